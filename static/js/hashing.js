// Sends every chunk with its SHA-256 (tus: Upload-Checksum), so that what a broken line or a bad cable
// changed is sent again at once, and not found out when everything is there.

/** Browsers hash only in secure contexts: over https, and on the machine itself. */
const subtle = globalThis.crypto?.subtle;

export const canHash = Boolean(subtle);

export function base64(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

async function sha256(blob) {
  return base64(await subtle.digest("SHA-256", await blob.arrayBuffer()));
}

/** tus-js-client's way to make requests, with a checksum on those that carry a part of the file. */
export class HashingStack {
  #plain = new globalThis.tus.DefaultHttpStack();

  getName() {
    return "HashingStack";
  }

  createRequest(method, url) {
    const request = this.#plain.createRequest(method, url);
    const { send, abort } = request;
    let aborted = false;
    request.abort = () => {
      aborted = true;
      return abort.call(request);
    };
    request.send = async (body = null) => {
      if (!(body instanceof Blob)) return send.call(request, body);
      // Sent is the piece of the file itself, which the browser reads while it sends: nothing but the
      // hashing needs it in memory. Should the file change in between, the portal finds another sum.
      if (canHash) request.setHeader("Upload-Checksum", `sha256 ${await sha256(body)}`);
      else await body.slice(0, 1).arrayBuffer(); // throws where it cannot be read any more
      // Like a request that was called off under way, it never answers.
      return aborted ? new Promise(() => {}) : send.call(request, body);
    };
    return request;
  }
}
