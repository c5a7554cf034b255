// One tus upload: a file, or a part of one that travels in several. Tries again for as long as it takes.

import { HashingStack } from "./hashing.js";
import { Patience, UNREADABLE, judge } from "./trouble.js";

// A chunk with a checksum counts as a whole or not at all, and lies in memory while it is hashed and sent.
// So it is as large as what passes in a few seconds: on a line that breaks every ten seconds something
// must still arrive. Above 16 MiB, on a fast line, chunks gained nothing that could be measured
// (docs/performance.md), and four at a time would begin to be felt in memory.
const MIB = 1024 * 1024;
const FIRST_CHUNK = MIB;
const SMALLEST_CHUNK = MIB / 4;
const LARGEST_CHUNK = 16 * MIB;
const QUICK_MS = 2000;
const SLOW_MS = 8000;

/** An answer that must not make tus-js-client forget where the upload stopped. */
class KeptAnswer extends Error {
  constructor(response) {
    super(`HTTP ${response.getStatus()}`);
    this.response = response;
  }
}

export class Line {
  state = "idle"; // as of a way (ways.js), without "joining"
  sent = 0;
  retryAt = 0;
  trouble = null;
  #patience = new Patience();
  #timer = null;
  #askedAt = 0;

  /**
   * @param {Blob} blob what to send
   * @param {string} fingerprint under which this browser remembers how far it came
   * @param {object} extra header fields besides those that say who asks
   */
  constructor(blob, { portal, fingerprint, extra = {}, forgets = true, onChange }) {
    this.total = blob.size;
    this.portal = portal;
    this.extra = extra;
    this.onChange = onChange;
    this.tus = new globalThis.tus.Upload(blob, {
      endpoint: portal.tusUrl,
      chunkSize: FIRST_CHUNK,
      httpStack: new HashingStack(),
      retryDelays: null, // without an end, and with words: ours
      removeFingerprintOnSuccess: forgets,
      fingerprint: async () => fingerprint,
      onUploadUrlAvailable: () => this.onChange(),
      onBeforeRequest: () => {
        this.#askedAt = performance.now();
      },
      onAfterResponse: (request, response) => {
        // On any refusal but 423 tus-js-client would begin anew; only what is gone must begin anew.
        const kept = response.getStatus() >= 400 && ![404, 410].includes(response.getStatus());
        if (request.getMethod() === "HEAD" && kept) throw new KeptAnswer(response);
      },
      onProgress: (sent) => this.#progress(sent),
      onChunkComplete: (size) => this.#arrived(size),
      onSuccess: () => this.#set("done", this.total),
      onError: (error) => this.#failed(error),
    });
  }

  get url() {
    return this.tus.url;
  }

  /** Whether this browser began it before; then it goes on there. */
  async find() {
    const [previous] = await this.tus.findPreviousUploads();
    if (previous) this.tus.resumeFromPreviousUpload(previous);
    return Boolean(previous);
  }

  /** Go on with an upload that was begun elsewhere. */
  adopt(id) {
    this.tus.url = `${this.portal.tusUrl}/${id}`;
  }

  /** Begin, go on, or try again at once; nothing happens while it goes on, or is done. */
  start(metadata) {
    if (["trying", "moving", "done"].includes(this.state)) return;
    clearTimeout(this.#timer);
    this.tus.options.metadata = metadata;
    this.#sayWhoAsks();
    this.#set("trying");
    this.tus.start();
  }

  pause() {
    if (this.state === "done") return;
    clearTimeout(this.#timer);
    this.tus.abort();
    this.state = "idle";
  }

  /** Stop, have the portal throw away what it has, and forget it. */
  async cancel() {
    clearTimeout(this.#timer);
    this.state = "idle";
    this.#sayWhoAsks();
    await this.tus.abort(true);
    await this.forget();
  }

  /** Another time, the same file begins anew. */
  async forget() {
    for (const { urlStorageKey } of await this.tus.findPreviousUploads()) {
      await globalThis.tus.defaultOptions.urlStorage.removeUpload(urlStorageKey);
    }
  }

  #sayWhoAsks() {
    this.tus.options.headers = { ...this.portal.headers(), ...this.extra };
  }

  #set(state, sent = this.sent) {
    this.state = state;
    this.sent = sent;
    this.onChange();
  }

  #progress(sent) {
    if (this.state !== "trying" && this.state !== "moving") return;
    this.#set(sent > this.sent ? "moving" : this.state, sent);
  }

  #arrived(size) {
    this.#patience.reset();
    const { options } = this.tus;
    const took = performance.now() - this.#askedAt;
    if (took > SLOW_MS) options.chunkSize = Math.max(SMALLEST_CHUNK, options.chunkSize / 2);
    else if (took < QUICK_MS && size === options.chunkSize) options.chunkSize = Math.min(LARGEST_CHUNK, size * 2);
  }

  #failed(error) {
    const response = error.causingError instanceof KeptAnswer ? error.causingError.response : error.originalResponse;
    if (error.causingError instanceof DOMException) {
      this.#stop(UNREADABLE);
      return;
    }
    const trouble = response
      ? judge(response.getStatus(), response.getBody(), response.getHeader("Retry-After"))
      : judge(0);
    if (trouble.kind !== "again") {
      this.#stop(trouble);
      return;
    }
    if (!response) this.tus.options.chunkSize = Math.max(SMALLEST_CHUNK, this.tus.options.chunkSize / 2);
    const wait = this.#patience.next(trouble.wait);
    this.trouble = { ...trouble, tries: this.#patience.tries };
    this.retryAt = Date.now() + wait;
    this.#timer = setTimeout(() => this.start(this.tus.options.metadata), wait);
    this.#set("waiting");
  }

  #stop(trouble) {
    this.trouble = trouble;
    this.#set("stopped");
  }
}
