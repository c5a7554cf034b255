// One file on its way through tus: sending, pausing, and trying again for as long as it takes.

import { Speed } from "./format.js";
import { untilSettled } from "./watch.js";

const CHUNK_BYTES = 64 * 1024 * 1024;
const STALL_MS = 90_000;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];
const RETRY_STATUSES = new Set([408, 409, 423, 425, 429]);
const FINAL_SERVER_STATUSES = new Set([501, 507]);

/** An answer that must not make tus forget where the upload stopped. */
class KeptAnswer extends Error {
  constructor(response) {
    super(`HTTP ${response.getStatus()}`);
    this.response = response;
  }
}

function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

function sentence(response) {
  try {
    return JSON.parse(response.getBody()).detail ?? null;
  } catch {
    return null;
  }
}

/**
 * Phases: ready, queued, sending, paused, retrying, checking, settled, refused, cancelled.
 * Every change calls ``onChange(transfer)``.
 */
export class Transfer {
  phase = "ready";
  sent = 0;
  continued = false; // whether a part of it was there already
  id = null; // the upload's id, known once the server created it
  problem = null; // a sentence, in phase refused
  mayRetry = false; // in phase refused: the same file can be taken another time
  result = null; // the upload as JSON, in phase settled; null when it cannot be seen
  moving = false; // in phase sending: bytes are going out
  retryAt = 0; // milliseconds, in phase retrying
  busy = false; // in phase retrying: somebody else sends the same upload
  speed = new Speed();
  #attempt = 0;
  #timer = null;
  #stallTimer = null;

  constructor(file, { person, onChange }) {
    this.file = file;
    this.onChange = onChange;
    this.tus = new globalThis.tus.Upload(file, {
      endpoint: "/tus",
      chunkSize: CHUNK_BYTES,
      retryDelays: null, // we try again ourselves: without an end, and with words
      removeFingerprintOnSuccess: true,
      fingerprint: async (source) =>
        ["diagport", person, source.name, source.size, source.lastModified].join("|"),
      headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
      onUploadUrlAvailable: () => this.#learnId(),
      onProgress: (sent) => this.#progress(sent),
      onChunkComplete: () => {
        this.#attempt = 0;
      },
      onAfterResponse: (request, response) => {
        const status = response.getStatus();
        if (request.getMethod() === "POST") this.continued = false;
        // On any refusal but 423 tus-js-client would begin anew; only what is gone must begin anew.
        const kept = status >= 400 && ![404, 410].includes(status);
        if (request.getMethod() === "HEAD" && kept) throw new KeptAnswer(response);
      },
      onSuccess: () => this.#delivered(),
      onError: (error) => this.#failed(error),
    });
  }

  get total() {
    return this.file.size;
  }

  get active() {
    return ["queued", "sending", "paused", "retrying"].includes(this.phase);
  }

  /** Whether this browser began to send the same file before; then it will continue by itself. */
  async findPrevious() {
    const previous = await this.tus.findPreviousUploads();
    if (previous.length === 0) return false;
    this.tus.resumeFromPreviousUpload(previous[0]);
    this.continued = true;
    return true;
  }

  /** Continue an upload that another browser began. */
  continueFrom(id) {
    this.tus.options.uploadUrl = `/tus/${id}`;
    this.continued = true;
  }

  describe(metadata) {
    this.tus.options.metadata = { filename: this.file.name, ...metadata };
  }

  queue() {
    this.#set("queued");
  }

  start() {
    clearTimeout(this.#timer);
    this.moving = false;
    this.#set("sending");
    this.speed.clear();
    this.tus.start();
    this.#watchForStall();
  }

  pause() {
    this.#halt();
    this.tus.abort();
    this.continued = true;
    this.#set("paused");
  }

  /** Stop for good; what was sent so far is thrown away at the server. */
  async cancel() {
    this.#halt();
    this.#set("cancelled");
    try {
      await this.tus.abort(true);
    } catch {
      // The server gives up on its own after a while.
    }
  }

  #halt() {
    clearTimeout(this.#timer);
    clearTimeout(this.#stallTimer);
  }

  #set(phase) {
    this.phase = phase;
    this.onChange(this);
  }

  #learnId() {
    this.id = new URL(this.tus.url, location.href).pathname.split("/").filter(Boolean).at(-1);
    this.onChange(this);
  }

  #progress(sent) {
    if (this.phase !== "sending") return;
    this.sent = sent;
    this.moving = true;
    this.speed.add(sent);
    this.#watchForStall();
    this.onChange(this);
  }

  #watchForStall() {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(() => {
      this.busy = false;
      this.tus.abort();
      this.#retry();
    }, STALL_MS);
  }

  async #delivered() {
    this.#halt();
    this.sent = this.total;
    this.#learnId();
    this.#set("checking");
    this.result = await untilSettled(this.id);
    this.#set("settled");
  }

  #failed(error) {
    clearTimeout(this.#stallTimer);
    const response = error.causingError instanceof KeptAnswer ? error.causingError.response : error.originalResponse;
    const status = response?.getStatus() ?? 0;
    if (status === 401 || status === 403) {
      this.#refuse(sentence(response) ?? "You are no longer signed in. Sign in, then choose the file again to continue.");
    } else if ((status >= 400 && status < 500 && !RETRY_STATUSES.has(status)) || FINAL_SERVER_STATUSES.has(status)) {
      this.#refuse(sentence(response) ?? `The portal did not accept this file (${status}).`, status === 507);
    } else if (!response && error.message.includes("no file")) {
      this.#refuse("The file cannot be read any more. Choose it again.");
    } else {
      this.busy = status === 409 || status === 423;
      this.#retry(Number(response?.getHeader("Retry-After")) * 1000);
    }
  }

  #refuse(problem, mayRetry = false) {
    this.problem = problem;
    this.mayRetry = mayRetry;
    this.#set("refused");
  }

  #retry(atLeast = 0) {
    clearTimeout(this.#stallTimer);
    const wait = Math.max(RETRY_MS[Math.min(this.#attempt, RETRY_MS.length - 1)], Math.min(atLeast || 0, 60_000));
    this.#attempt += 1;
    this.retryAt = Date.now() + wait;
    this.#timer = setTimeout(() => this.start(), wait);
    this.#set("retrying");
  }
}
