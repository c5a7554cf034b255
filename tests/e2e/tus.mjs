// Sends one bundle with tus-js-client in Node: node tus.mjs <way> <portal> <file> <name> <token>
// Prints the JSON of the last answer, or what became of it.

import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { Upload } from "tus-js-client";

const [way, portal, file, name, token] = process.argv.slice(2);
const content = await readFile(file);
const requests = [];

const ways = {
  parallel: { parallelUploads: 3 },
  deferred: { uploadLengthDeferred: true },
  creation: { uploadDataDuringCreation: true },
  whole: { uploadDataDuringCreation: true, chunkSize: Infinity },
  override: { overridePatchMethod: true },
};

function send(options, input = content) {
  return new Promise((resolve, reject) => {
    let last = null;
    const upload = new Upload(input, {
      endpoint: `${portal}/tus`,
      chunkSize: Math.ceil(content.length / 5),
      retryDelays: null,
      metadata: { filename: name, case: "CS-4713" },
      headers: { Authorization: `Bearer ${token}` },
      onAfterResponse: (request, response) => {
        requests.push(request.getMethod());
        last = response;
      },
      onSuccess: () => resolve({ upload, body: last.getBody() }),
      onError: reject,
      ...options,
    });
    options.prepare?.(upload, resolve);
    upload.start();
  });
}

/** What comes from elsewhere, and nobody knows how much it will be. */
function* pieces() {
  const size = Math.ceil(content.length / 5);
  for (let start = 0; start < content.length; start += size) {
    yield content.subarray(start, start + size);
  }
}

/** Stops after the first chunk. */
function begin() {
  return new Promise((resolve) => {
    const upload = new Upload(content, {
      endpoint: `${portal}/tus`,
      chunkSize: Math.ceil(content.length / 5),
      metadata: { filename: name, case: "CS-4713" },
      headers: { Authorization: `Bearer ${token}` },
      onChunkComplete: async () => {
        await upload.abort();
        resolve(upload);
      },
    });
    upload.start();
  });
}

if (way === "terminate") {
  const upload = await begin();
  await Upload.terminate(upload.url, { headers: { Authorization: `Bearer ${token}` } });
  const head = await fetch(upload.url, {
    method: "HEAD",
    headers: { Authorization: `Bearer ${token}`, "Tus-Resumable": "1.0.0" },
  });
  console.log(JSON.stringify({ status: head.status }));
} else if (way === "resume") {
  const { url } = await begin();
  requests.length = 0;
  const { body } = await send({ uploadUrl: url });
  console.log(JSON.stringify({ ...JSON.parse(body), requests }));
} else if (way === "rejoin") {
  // As if the answer to the last request had been lost: parts are known, nothing is sent again.
  const first = await send({ parallelUploads: 3 });
  const parts = first.upload._parallelUploadUrls;
  requests.length = 0;
  const { body } = await send({
    parallelUploads: 3,
    prepare: (upload) => upload.resumeFromPreviousUpload({ parallelUploadUrls: parts }),
  });
  console.log(JSON.stringify({ ...JSON.parse(body), requests, first: JSON.parse(first.body).id }));
} else {
  const input = way === "deferred" ? Readable.from(pieces()) : content;
  const { body } = await send(ways[way], input);
  console.log(JSON.stringify({ ...JSON.parse(body), requests }));
}
