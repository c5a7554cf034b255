// How far everything is that was sent from this page: in the title, and above the list where it is several.

import { Speed, percent, size, timeLeft } from "./format.js";

const SAY_MS = 20_000; // between two words to a screen reader

const OVER = new Set(["checking", "settled"]);

export class Totals {
  #speed = new Speed();
  #title = document.title;
  #box = document.getElementById("send-total");
  #said = { quarter: 0, at: 0 };

  /** @param {(words: string) => void} announce */
  constructor(announce) {
    this.announce = announce;
  }

  show(transfers) {
    const counted = transfers.filter(({ active, phase }) => active || phase === "paused" || phase === "signedout" || OVER.has(phase));
    const going = counted.some(({ active }) => active);
    const sent = counted.reduce((sum, transfer) => sum + (OVER.has(transfer.phase) ? transfer.total : transfer.sent), 0);
    const total = counted.reduce((sum, transfer) => sum + transfer.total, 0);
    document.title = going ? `${percent(sent / total)} sent · ${this.#title}` : this.#title;
    if (going) this.#speed.add(sent);
    else this.#speed.clear();
    const moves = counted.some(({ phase, still }) => phase === "sending" && !still);
    const left = moves && this.#speed.value > 0 ? timeLeft((total - sent) / this.#speed.value) : "";
    const over = counted.filter(({ phase }) => OVER.has(phase)).length;
    this.#box.hidden = counted.length < 2;
    document.getElementById("send-total-word").textContent = `${over} of ${counted.length} bundles sent.`;
    document.getElementById("send-total-detail").textContent = [`${size(sent)} of ${size(total)}`, left].filter(Boolean).join(" · ");
    document.getElementById("send-total-bar").value = total ? sent / total : 0;
    if (going) this.#sayNowAndThen(sent / total, left);
    else this.#said = { quarter: 0, at: Date.now() };
  }

  /** A screen reader hears quarters, and not those that follow each other at once. */
  #sayNowAndThen(part, left) {
    const quarter = Math.floor(part * 4);
    if (quarter <= this.#said.quarter || quarter > 3) return;
    if (Date.now() - this.#said.at > SAY_MS) {
      this.announce(`${quarter * 25}% sent${left && `, ${left}`}.`);
      this.#said.at = Date.now();
    }
    this.#said.quarter = quarter;
  }
}
