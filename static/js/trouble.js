// What an answer that is no success means for a transfer: try again and when, or stop and with which words.

const RETRY_MS = [1000, 2000, 4000, 8000, 15_000, 30_000];
const AGAIN = new Set([408, 409, 423, 425, 429, 460, 500, 502, 503, 504]);

/** The portal's sentence in a problem document (RFC 9457), or null. */
function sentence(body) {
  try {
    return JSON.parse(body).detail ?? null;
  } catch {
    return null;
  }
}

/** Seconds or a date (RFC 9110 section 10.2.3) -> milliseconds from now. */
function milliseconds(retryAfter) {
  if (!retryAfter) return 0;
  const seconds = Number(retryAfter);
  return Math.max(0, (Number.isFinite(seconds) ? seconds * 1000 : Date.parse(retryAfter) - Date.now()) || 0);
}

/**
 * Judge an answer; status 0 stands for none at all.
 *
 * kind: "again"       it can work by itself; not before ``wait`` milliseconds are over
 *       "signed-out"  the session has ended, or is another one by now
 *       "postponed"   not now; the same file may be taken another time
 *       "refused"     this file, or this sender, is not taken
 * words: a sentence for people, null where there is nothing to say but that the line is broken
 *
 * @returns {{kind: string, status: number, words: string|null, wait: number}}
 */
export function judge(status, body = "", retryAfter = null) {
  const words = sentence(body);
  const trouble = { kind: "refused", status, words, wait: milliseconds(retryAfter) };
  if (status === 0 || AGAIN.has(status)) return { ...trouble, kind: "again" };
  if (status === 401 || status === 403) return { ...trouble, kind: "signed-out" };
  if (status === 404 || status === 410 || status === 507) {
    return { ...trouble, kind: "postponed", words: words ?? "This upload has ended. It can only begin anew." };
  }
  return { ...trouble, words: words ?? `The portal did not accept this file (${status}).` };
}

/** The file itself is the trouble: moved, changed or taken away since it was chosen. */
export const UNREADABLE = {
  kind: "refused",
  status: 0,
  words: "The file cannot be read any more: it was changed or moved. Choose it again.",
  wait: 0,
};

/** How long to wait before each further try: longer and longer, and never all senders at once. */
export class Patience {
  #tries = 0;

  /** Something worked. */
  reset() {
    this.#tries = 0;
  }

  get tries() {
    return this.#tries;
  }

  /** @returns {number} milliseconds, ``atLeast`` or more */
  next(atLeast = 0) {
    const usual = RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)];
    this.#tries += 1;
    return Math.max(usual * (0.8 + 0.4 * Math.random()), atLeast);
  }
}
