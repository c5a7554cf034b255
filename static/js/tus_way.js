// The way through the portal itself: tus 1.0. A large file travels as several parts side by side, which
// the portal joins when all are there (concatenation). tus-js-client can do that too, but there one part's
// broken connection stops them all, and an answer that is lost while it goes on makes it send parts anew.

import { base64 } from "./hashing.js";
import { Patience, judge } from "./trouble.js";
import { Line } from "./tus_line.js";

// One connection over a long or lossy line is slowed down by what it waits for; four fill it. Browsers
// keep six to one host: two stay free for pages. Below 64 MiB the last requests would cost more than
// the first ones gain.
const PARTS = 4;
const PARALLEL_FROM = 64 * 1024 * 1024;
// What the portal answers to a request to join parts that have come to nothing: gone, or refused for good.
const ENDED = new Set([404, 410, 415, 422]);
// Another request may be joining them just now, but not for ever.
const CONFLICT = 409;
const CONFLICTS = 4;

/** Cut into parts as for ever: what was begun by one version of this page is finished by another. */
function cut(size, count) {
  const step = Math.floor(size / count);
  return Array.from({ length: count }, (_, index) => [index * step, index + 1 < count ? (index + 1) * step : size]);
}

export class TusWay {
  #about = {};
  #join = null; // {state, retryAt, trouble, call}: of the last request, that makes one of the parts
  #patience = new Patience();

  constructor(file, portal, onChange) {
    this.file = file;
    this.portal = portal;
    this.onChange = onChange;
    this.id = null;
    this.parts = [this.#whole()];
  }

  get lines() {
    return this.parts.length;
  }

  async find() {
    if (await this.parts[0].find()) return true;
    if (this.file.size < PARALLEL_FROM || !(await this.portal.understands("concatenation"))) return false;
    this.parts = this.#cut(PARTS);
    const found = await Promise.all(this.parts.map((part) => part.find()));
    return found.includes(true);
  }

  adopt(ids) {
    this.parts = ids.length > 1 ? this.#cut(ids.length) : [this.#whole()];
    ids.forEach((id, index) => {
      if (id !== "-") this.parts[index].adopt(id);
    });
  }

  static async discard(ids, portal) {
    const headers = { ...portal.headers(), "Tus-Resumable": "1.0.0" };
    const there = ids.filter((id) => id !== "-");
    const answers = await Promise.all(there.map((id) => fetch(`${portal.tusUrl}/${id}`, { method: "DELETE", headers })));
    const failed = answers.find(({ ok, status }) => !ok && ![404, 410].includes(status));
    if (failed) throw new Error(judge(failed.status, await failed.text()).words ?? "");
  }

  start(about) {
    this.#about = { filename: this.file.name, ...about };
    if (this.#join) clearTimeout(this.#join.timer);
    // The portal sees the parts otherwise than this page: it is asked for each where to go on.
    if (this.#join?.asksAgain) this.adopt(this.parts.map(({ url }) => this.portal.idIn(url)));
    this.#join = null;
    this.parts.forEach((part, index) => part.start(this.lines > 1 ? this.#label(index) : this.#about));
    this.#follow();
  }

  pause() {
    this.#join?.call?.abort();
    if (this.#join) clearTimeout(this.#join.timer);
    this.#join = null;
    for (const part of this.parts) part.pause();
  }

  async cancel() {
    this.pause();
    await Promise.allSettled(this.parts.map((part) => part.cancel()));
  }

  get sent() {
    return this.parts.reduce((sum, part) => sum + part.sent, 0);
  }

  /** The part by which the whole is to be judged. */
  get #telling() {
    const among = (state) => this.parts.find((part) => part.state === state);
    const waiting = this.parts.filter((part) => part.state === "waiting").sort((one, other) => one.retryAt - other.retryAt);
    return among("stopped") ?? among("moving") ?? among("trying") ?? waiting[0] ?? among("idle") ?? this.#join ?? this.parts[0];
  }

  get state() {
    return this.#telling.state;
  }

  get retryAt() {
    return this.#telling.retryAt;
  }

  get trouble() {
    return this.#telling.trouble;
  }

  #fingerprint(place = "") {
    const { name, size, lastModified } = this.file;
    return ["diagport", this.portal.person, name, size, lastModified].join("|") + place;
  }

  #whole() {
    return new Line(this.file, { portal: this.portal, fingerprint: this.#fingerprint(), onChange: () => this.#follow() });
  }

  #cut(count) {
    return cut(this.file.size, count).map(
      ([from, to], index) =>
        new Line(this.file.slice(from, to), {
          portal: this.portal,
          fingerprint: this.#fingerprint(`|${index + 1}/${count}`),
          extra: { "Upload-Concat": "partial" },
          forgets: false, // not before they are joined
          onChange: () => this.#follow(),
        }),
    );
  }

  /** What a part says of itself, so that any browser can go on with it (app/queries/unfinished.py). */
  #label(index) {
    const { name, size, lastModified } = this.file;
    return { filename: name, note: `part ${index + 1} of ${this.lines} of ${size} bytes, modified ${lastModified}` };
  }

  #follow() {
    if (this.lines === 1) {
      const [{ url }] = this.parts;
      if (url) this.id = this.portal.idIn(url);
    } else if (this.parts.every(({ state }) => state === "done")) {
      if (!this.#join) this.#joinParts();
    } else if (this.parts.some(({ state }) => state === "stopped")) {
      for (const part of this.parts) if (part.state !== "stopped") part.pause();
    }
    this.onChange();
  }

  async #joinParts() {
    const join = { state: "joining", retryAt: 0, trouble: null, timer: null, call: new AbortController() };
    this.#join = join;
    const metadata = Object.entries(this.#about).map(([key, value]) => `${key} ${base64(new TextEncoder().encode(value))}`);
    const paths = this.parts.map(({ url }) => new URL(url, location.href).pathname);
    let trouble;
    try {
      const answer = await fetch(this.portal.tusUrl, {
        method: "POST",
        headers: {
          ...this.portal.headers(),
          "Tus-Resumable": "1.0.0",
          "Upload-Concat": `final;${paths.join(" ")}`,
          "Upload-Metadata": metadata.join(","),
        },
        signal: join.call.signal,
      });
      if (answer.ok) {
        this.id = this.portal.idIn(answer.headers.get("Location"));
        await Promise.all(this.parts.map((part) => part.forget()));
        join.state = "done";
        this.onChange();
        return;
      }
      trouble = judge(answer.status, await answer.text(), answer.headers.get("Retry-After"));
    } catch {
      trouble = judge(0);
    }
    if (this.#join !== join) return; // paused meanwhile
    if (trouble.status === CONFLICT && this.#patience.tries >= CONFLICTS) {
      trouble.kind = "postponed";
      join.asksAgain = true;
    } else if (trouble.status === 413) {
      trouble.kind = "postponed"; // no room for one more: the parts are kept until there is
    }
    if (trouble.kind === "again") {
      const wait = this.#patience.next(trouble.wait);
      join.retryAt = Date.now() + wait;
      join.timer = setTimeout(() => this.start(this.#about), wait);
    } else {
      this.#patience.reset();
    }
    if (ENDED.has(trouble.status)) {
      // It begins anew, if at all.
      await Promise.all(this.parts.map((part) => part.forget()));
      this.parts = this.#cut(this.lines);
    }
    join.state = trouble.kind === "again" ? "waiting" : "stopped";
    join.trouble = trouble;
    this.onChange();
  }
}
