// The way past the portal: parts of the file go straight to S3, at addresses that the portal signs one by
// one (docs/direct-uploads.md). A way as ways.js describes it.

import { Refusal, ask, put } from "./direct_calls.js";
import { base64, canHash } from "./hashing.js";
import { Patience, UNREADABLE, judge } from "./trouble.js";
import { TusWay } from "./tus_way.js";

const LINES = 4;
const REMEMBERED = "diagport-direct|";
const GONE = new Set([404, 410]);

class Direct {
  lines = LINES;
  state = "idle";
  id = null;
  retryAt = 0;
  trouble = null;
  #plan = null; // the portal's answer to the beginning
  #there = new Map(); // number of a part that is there -> its SHA-256, base64
  #going = new Map(); // number of a part under way -> bytes of it that are
  #said = new Map(); // what the portal says of parts -> their SHA-256, null where the store does not tell
  #about = {};
  #patience = new Patience();
  #timer = null;
  #stop = null; // AbortController, while it goes on

  constructor(file, portal, onChange) {
    Object.assign(this, { file, portal, onChange });
    const { name, size, lastModified } = file;
    this.key = REMEMBERED + [portal.person, name, size, lastModified].join("|");
  }

  get sent() {
    let sum = 0;
    for (const number of this.#there.keys()) sum += this.#size(number);
    for (const bytes of this.#going.values()) sum += bytes;
    return sum;
  }

  async find() {
    try {
      const { id, there } = JSON.parse(localStorage.getItem(this.key));
      this.id = id;
      this.#there = new Map(there);
    } catch {
      return false; // nothing there, or nothing of ours
    }
    return true;
  }

  adopt([id]) {
    this.id = id;
  }

  static async discard([id], portal) {
    try {
      await ask(portal, "DELETE", `/${id}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!GONE.has(error.trouble.status)) throw new Error(error.trouble.words ?? "");
    }
  }

  start(about) {
    if (this.#stop || this.state === "done") return;
    clearTimeout(this.#timer);
    this.#about = about;
    this.#stop = new AbortController();
    this.#set("trying");
    this.#run(this.#stop.signal);
  }

  pause() {
    if (this.state === "done") return;
    clearTimeout(this.#timer);
    this.#halt();
    this.state = "idle";
  }

  async cancel() {
    this.pause();
    this.#forget();
    if (this.id) await Direct.discard([this.id], this.portal);
  }

  #halt() {
    this.#stop?.abort();
    this.#stop = null;
    this.#going.clear();
  }

  #set(state) {
    this.state = state;
    this.onChange();
  }

  #size(number) {
    const { part_size, size } = this.#plan ?? { part_size: 0, size: 0 };
    return Math.max(0, Math.min(part_size, size - (number - 1) * part_size));
  }

  #remember() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ id: this.id, there: [...this.#there] }));
    } catch {
      // No room, or not allowed: then the portal's list is what is left.
    }
  }

  #forget() {
    localStorage.removeItem(this.key);
  }

  async #run(signal) {
    try {
      await this.#begin(signal);
      if (this.#plan.state === "receiving") await this.#sendAll(signal);
      await this.#complete(signal);
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
    }
  }

  async #begin(signal) {
    if (this.id) {
      try {
        this.#plan = await ask(this.portal, "GET", `/${this.id}`, null, signal);
      } catch (error) {
        if (!GONE.has(error.trouble?.status)) throw error;
        this.id = null; // what is gone begins anew
        this.#forget();
      }
    }
    if (!this.id) {
      const { name: filename, size } = this.file;
      this.#there.clear();
      this.#plan = await ask(this.portal, "POST", "", { filename, size, ...this.#about }, signal);
      this.id = this.#plan.id;
    }
    this.#said = new Map(this.#plan.arrived.map(({ number, sha256 }) => [number, sha256]));
    if (this.#plan.state === "receiving") {
      for (const number of this.#there.keys()) if (!this.#said.has(number)) this.#there.delete(number);
    }
    this.#remember();
    this.onChange();
  }

  /** Parts side by side. Once one has failed none is begun any more, but what is under way may arrive. */
  async #sendAll(signal) {
    const numbers = Array.from({ length: this.#plan.part_count }, (_, index) => index + 1);
    const rest = numbers.filter((number) => !this.#there.has(number));
    let failure = null;
    const line = async () => {
      while (rest.length > 0 && !failure) {
        try {
          await this.#send(rest.shift(), signal);
        } catch (error) {
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: LINES }, line));
    if (failure) throw failure;
  }

  async #send(number, signal) {
    const from = (number - 1) * this.#plan.part_size;
    const bytes = await this.file.slice(from, from + this.#size(number)).arrayBuffer();
    const sha256 = base64(await crypto.subtle.digest("SHA-256", bytes));
    try {
      if (this.#said.get(number) !== sha256) await this.#put(number, sha256, bytes, signal);
    } finally {
      this.#going.delete(number);
    }
    this.#there.set(number, sha256);
    this.#patience.reset();
    this.#remember();
    this.onChange();
  }

  async #put(number, sha256, bytes, signal) {
    const { parts } = await ask(this.portal, "POST", `/${this.id}/parts`, { parts: [{ number, sha256 }] }, signal);
    await put(parts[0], bytes, signal, (loaded) => {
      this.#going.set(number, Math.min(loaded, bytes.byteLength));
      this.#set("moving");
    });
  }

  async #complete(signal) {
    this.#set("joining");
    const parts = [...this.#there].map(([number, sha256]) => ({ number, sha256 }));
    try {
      await ask(this.portal, "POST", `/${this.id}/complete`, { parts }, signal);
    } catch (error) {
      for (const number of error.parts ?? []) this.#there.delete(number);
      if (error.code === "wrong_content") this.#forget();
      throw error;
    }
    this.#forget();
    this.#stop = null;
    this.#set("done");
  }

  #failed(error) {
    this.#halt();
    if (error instanceof DOMException) this.trouble = UNREADABLE;
    else this.trouble = error.trouble ?? judge(0);
    if (this.trouble.kind !== "again") {
      this.#set("stopped");
      return;
    }
    const wait = this.#patience.next(this.trouble.wait);
    this.trouble = { ...this.trouble, tries: this.#patience.tries };
    this.retryAt = Date.now() + wait;
    this.#timer = setTimeout(() => this.start(this.#about), wait);
    this.#set("waiting");
  }
}

/** Without SHA-256 nothing can be signed: browsers have it only over https, and on the machine itself. */
export const DirectWay = canHash ? Direct : TusWay;
