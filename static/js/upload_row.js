// Shows one transfer as a row of the list: the buttons that make sense now, and words of row_words.js.

import { percent, size } from "./format.js";
import { wordsFor } from "./row_words.js";

const BUTTONS = {
  looking: [],
  unfit: ["remove"],
  other: ["anew", "remove"],
  unready: ["retry", "remove"],
  ask: ["continue", "restart", "remove"],
  ready: ["remove"],
  queued: ["cancel"],
  sending: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  retrying: ["retry", "pause", "cancel"],
  signedout: ["signin", "goon", "cancel"],
  confirming: ["discard", "keep"],
  checking: ["receipt"],
  settled: ["receipt"],
  refused: ["remove"],
  postponed: ["retry", "remove"],
  cancelled: ["remove"],
};

export class UploadRow {
  #spoken = null;

  /** @param {(action: string, row: UploadRow) => void} onAction called when a button is pressed */
  constructor(file, portal, onAction) {
    const template = document.getElementById("send-row");
    this.file = file;
    this.portal = portal;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.bar = this.#find(".bar");
    this.#find(".send-row__name").textContent = file.name;
    this.#find(".send-row__size").textContent = size(file.size);
    this.bar.setAttribute("aria-label", `Sent of ${file.name}`);
    this.#find("[data-act=signin]").href = portal.signInUrl;
    for (const button of this.element.querySelectorAll("[data-act]")) {
      const about = document.createElement("span");
      about.className = "visually-hidden";
      about.textContent = `: ${file.name}`;
      button.append(about);
      if (button.matches("button")) button.addEventListener("click", () => onAction(button.dataset.act, this));
    }
    this.show("looking", "Looking at it", "");
  }

  #find(selector) {
    return this.element.querySelector(selector);
  }

  /** The plain way: a phase, a word and a sentence. */
  show(phase, word, detail, tone = "") {
    const hadFocus = this.element.contains(document.activeElement);
    this.phase = phase;
    this.element.dataset.phase = phase;
    this.element.dataset.tone = tone;
    this.#text(".send-row__word", word);
    this.#text(".send-row__detail", detail);
    const wanted = BUTTONS[phase];
    for (const button of this.element.querySelectorAll("[data-act]")) {
      const leadsNowhere = button.matches("a") && !button.getAttribute("href");
      button.hidden = !wanted.includes(button.dataset.act) || leadsNowhere;
    }
    // A button that goes away would take the keyboard's place in the page with it.
    if (hadFocus && (document.activeElement.hidden || !this.element.contains(document.activeElement))) {
      this.#find("[data-act]:not([hidden])")?.focus();
    }
  }

  #text(selector, words) {
    const element = this.#find(selector);
    if (element.textContent !== words) element.textContent = words;
  }

  unfit(problem) {
    this.show("unfit", "Cannot be sent.", problem, "warn");
  }

  /** Not the file that was asked for, to go on with what was begun. */
  isNot(wanted) {
    this.show(
      "other",
      "This is another file.",
      `${wanted.filename} with ${size(wanted.size)} was begun. Choose that one to go on with it.`,
      "warn",
    );
  }

  /** The page itself lacks what it sends with. */
  unready() {
    this.show(
      "unready",
      "A piece of this page did not load.",
      "Try again when the network is back. If that does not help, reload the page and choose the file again.",
      "warn",
    );
  }

  ask(received) {
    this.bar.value = received / this.file.size;
    this.show(
      "ask",
      `${percent(received / this.file.size)} is here already.`,
      "A file with this name and size was begun before. Continue only if it is the very same file.",
    );
  }

  /** Say one thing more of how it stands. */
  add(words) {
    this.#text(".send-row__detail", words);
  }

  confirmCancel() {
    this.show("confirming", "Stop sending?", `${percent(this.bar.value)} has arrived so far.`);
  }

  /** The words that a screen reader should hear, or null when only numbers moved. */
  update(transfer) {
    this.bar.value = transfer.total ? transfer.sent / transfer.total : 0;
    const { phase, word, detail, tone, spoken, findings = [] } = wordsFor(transfer);
    if (transfer.id) this.#receipt(transfer);
    // Whoever is asked whether to stop is not disturbed by what goes on meanwhile.
    if (this.phase === "confirming" && (transfer.active || transfer.phase === "signedout")) return null;
    this.show(phase, word, detail, tone);
    this.#find(".send-row__findings").hidden = findings.length === 0;
    this.#find(".send-row__findings").replaceChildren(
      ...findings.map((words) => Object.assign(document.createElement("li"), { textContent: words })),
    );
    if (spoken === this.#spoken) return null;
    this.#spoken = spoken;
    return spoken && `${this.file.name}: ${spoken}`;
  }

  #receipt(transfer) {
    const url = this.portal.receiptUrl(transfer.id);
    if (url) this.#find("[data-act=receipt]").href = url;
  }
}
