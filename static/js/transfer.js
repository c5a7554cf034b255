// One file of the list: what becomes of it, in phases that a row can show. How its bytes travel is a
// way's affair (ways.js).

import { Speed } from "./format.js";
import { untilSettled } from "./watch.js";

const STALL_MS = 20_000; // when it is said
const GIVE_UP_MS = 75_000; // when the connection is taken for dead; the portal itself waits 60 s for a byte
const STORING_MS = 10 * 60_000; // the same when every byte is there: a large file takes a while to store

/**
 * Phases: ready, queued, sending, paused, retrying, signedout, checking, settled, refused, cancelled.
 * Every change calls ``onChange(transfer)``.
 */
export class Transfer {
  phase = "ready";
  known = 0; // bytes that the portal's list said are there, before this page asked for itself
  continued = false; // whether a part of it was there already
  id = null; // the upload's, once known
  trouble = null; // in phases retrying, signedout, refused: trouble.js
  result = null; // the upload as JSON, in phase settled; null when it cannot be seen
  moving = false; // in phase sending: bytes are going out
  still = 0; // in phase sending: seconds for which nothing has moved, in tens; 0 below 20
  speed = new Speed();
  #about = {};
  #movedAt = 0;
  #before = 0;

  constructor(file, Way, portal, onChange) {
    this.file = file;
    this.portal = portal;
    this.onChange = onChange;
    this.way = new Way(file, portal, () => this.#follow());
  }

  get total() {
    return this.file.size;
  }

  get sent() {
    return Math.min(this.way.sent || this.known, this.total);
  }

  get lines() {
    return this.way.lines;
  }

  get retryAt() {
    return this.way.retryAt;
  }

  get storing() {
    return this.way.state === "joining" || this.sent >= this.total;
  }

  /** Under way, or about to be. */
  get active() {
    return ["queued", "sending", "retrying"].includes(this.phase);
  }

  /** Whether this browser began to send the same file before; then it goes on by itself. */
  async findPrevious() {
    this.continued = await this.way.find();
    return this.continued;
  }

  /** Go on with what another browser began. */
  adopt(parts) {
    this.way.adopt(parts);
    this.continued = true;
  }

  describe(about) {
    this.#about = about;
  }

  queue() {
    this.#set("queued");
  }

  start() {
    this.moving = false;
    this.still = 0;
    this.#movedAt = Date.now();
    this.speed.clear();
    this.#set("sending");
    this.way.start(this.#about);
  }

  pause() {
    this.way.pause();
    this.continued = true;
    this.#set("paused");
  }

  /** Stop for good; what was sent so far is thrown away at the portal. */
  async cancel() {
    this.#set("cancelled");
    try {
      await this.way.cancel();
    } catch {
      // The portal gives it up by itself after a while.
    }
  }

  /** Look at the clock; called every second. */
  tick() {
    if (this.phase === "retrying") this.onChange(this);
    if (this.phase !== "sending") return;
    const still = Date.now() - this.#movedAt;
    if (still > (this.storing ? STORING_MS : GIVE_UP_MS)) {
      this.way.pause();
      this.start();
      return;
    }
    const tens = still < STALL_MS || this.storing ? 0 : Math.floor(still / 10_000) * 10;
    if (tens !== this.still) {
      this.still = tens;
      this.onChange(this);
    }
  }

  /** The network is back: nobody needs to wait any longer. */
  hurry() {
    if (this.phase === "retrying") this.start();
  }

  #set(phase) {
    this.phase = phase;
    this.onChange(this);
  }

  #follow() {
    if (this.way.id) this.id = this.way.id;
    if (this.way.state === "moving") this.known = 0;
    if (this.phase !== "sending" && this.phase !== "retrying") return;
    const { state, sent } = this.way;
    if (sent !== this.#before) {
      this.#before = sent;
      this.#movedAt = Date.now();
      this.still = 0;
    }
    if (state === "done") this.#delivered();
    else if (state === "stopped") this.#stopped();
    else if (state === "waiting") {
      this.trouble = this.way.trouble;
      this.speed.clear();
      this.#set("retrying");
    } else {
      this.moving = state === "moving";
      if (this.moving) this.speed.add(sent);
      this.#set("sending");
    }
  }

  async #delivered() {
    this.#set("checking");
    this.result = await untilSettled(this.portal.statusUrl(this.id), this.portal.headers());
    this.#set("settled");
  }

  async #stopped() {
    this.trouble = this.way.trouble;
    this.continued = true;
    if (this.trouble.kind !== "signed-out") {
      this.#set("refused");
      return;
    }
    this.#set("signedout");
    await this.goOn(true);
  }

  /**
   * Go on if the person is signed in again. A session that was merely renewed in another tab needs no
   * word about it; a sender who is signed in and still refused will not get further by asking.
   *
   * @param {boolean} refused the portal has just said no to the session as this page knows it
   * @returns {Promise<string>} as `Portal.renew`
   */
  async goOn(refused = false) {
    const now = await this.portal.renew();
    if (this.phase !== "signedout") return now;
    if (now === "renewed" || (now === "same" && !refused)) this.queue();
    else if (now === "same") this.#set("refused");
    return now;
  }
}
