// Sends one bundle with tus-js-client in Node: node send.mjs <portal> <file> <name> <token>
// Prints the JSON of the last answer.

import { readFile } from "node:fs/promises";
import { Upload } from "tus-js-client";

const [portal, file, name, token] = process.argv.slice(2);
let last = null;

const upload = new Upload(await readFile(file), {
  endpoint: `${portal}/tus`,
  chunkSize: 1024 * 1024,
  retryDelays: null,
  metadata: { filename: name, case: "CS-4713" },
  headers: { Authorization: `Bearer ${token}` },
  onAfterResponse: (_request, response) => {
    last = response;
  },
  onSuccess: () => console.log(last.getBody()),
  onError: (error) => {
    console.error(error);
    process.exit(1);
  },
});
upload.start();
