// Shows one transfer as a row of the list: words, bar, and the buttons that make sense now.

import { percent, size, timeLeft } from "./format.js";

const RESULT_WORDS = {
  clean: ["Ready", "No virus was found. Our engineers can download it now."],
  infected: ["Virus found", "Nobody can download this bundle. Remove the named files, pack it again, and send it anew."],
  unscannable: ["Needs review", "We could not look into every part of it."],
  rejected: ["Rejected", "The bundle was not accepted."],
  abandoned: ["Abandoned", "Please send the file again."],
  deleted: ["Deleted", "The bundle is no longer stored."],
};
const RESULT_TONES = { clean: "good", infected: "bad", unscannable: "warn", rejected: "warn" };

const BUTTONS = {
  looking: [],
  unfit: ["remove"],
  ask: ["continue", "restart", "remove"],
  ready: ["remove"],
  queued: ["cancel"],
  sending: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  retrying: ["retry", "pause", "cancel"],
  confirming: ["discard", "keep"],
  checking: ["receipt"],
  settled: ["receipt"],
  refused: ["remove"],
  postponed: ["retry", "remove"],
  cancelled: ["remove"],
};

export class UploadRow {
  /** @param {(action: string, row: UploadRow) => void} onAction called when a button is pressed */
  constructor(file, onAction) {
    const template = document.getElementById("send-row");
    this.file = file;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.bar = this.#find(".bar");
    this.#find(".send-row__name").textContent = file.name;
    this.#find(".send-row__size").textContent = size(file.size);
    this.bar.setAttribute("aria-label", `Sent of ${file.name}`);
    for (const button of this.element.querySelectorAll("[data-act]")) {
      const about = document.createElement("span");
      about.className = "visually-hidden";
      about.textContent = `: ${file.name}`;
      button.append(about);
      if (button.dataset.act !== "receipt") {
        button.addEventListener("click", () => onAction(button.dataset.act, this));
      }
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
      button.hidden = !wanted.includes(button.dataset.act);
    }
    // A button that goes away would take the keyboard's place in the page with it.
    if (hadFocus && (document.activeElement.hidden || !this.element.contains(document.activeElement))) {
      this.element.querySelector("[data-act]:not([hidden])")?.focus();
    }
  }

  #text(selector, words) {
    const element = this.#find(selector);
    if (element.textContent !== words) element.textContent = words;
  }

  unfit(problem) {
    this.show("unfit", "Cannot be sent.", problem, "warn");
  }

  ask(received) {
    this.bar.value = received / this.file.size;
    this.show(
      "ask",
      `${percent(received / this.file.size)} is here already.`,
      "A file with this name and size was begun before. Continue only if it is the very same file.",
    );
  }

  confirmCancel() {
    this.show("confirming", "Stop sending?", `${percent(this.bar.value)} has arrived so far.`);
  }

  /** The word that a screen reader should hear, or null when only numbers moved. */
  update(transfer) {
    const before = this.spokenPhase;
    this.bar.value = transfer.total ? transfer.sent / transfer.total : 0;
    this[`_${transfer.phase}`](transfer);
    this.spokenPhase = transfer.phase;
    if (transfer.phase === before || transfer.phase === "ready") return null;
    const word = this.#find(".send-row__word").textContent;
    const detail = this.#find(".send-row__detail").textContent;
    if (transfer.phase === "sending") return `${this.file.name}: ${transfer.continued ? "Continuing" : "Uploading"}`;
    const pause = /[.?]$/.test(word) || /^[a-z]/.test(detail) ? "" : ".";
    return `${this.file.name}: ${word}${pause} ${detail}`;
  }

  _ready() {
    this.show("ready", "Ready to send.", "");
  }

  _queued() {
    this.show("queued", "Waiting", "for the others to finish.");
  }

  _sending(transfer) {
    if (this.phase === "confirming") return;
    if (!transfer.moving) {
      this.show("sending", "Connecting", transfer.sent ? `to go on at ${percent(transfer.sent / transfer.total)}.` : "");
      return;
    }
    const speed = transfer.speed.value;
    const facts = [percent(transfer.sent / transfer.total), `${size(transfer.sent)} of ${size(transfer.total)}`];
    if (transfer.sent >= transfer.total) {
      this.show("sending", "Almost done.", "The last part is being stored.");
      return;
    }
    if (speed > 0) facts.push(`${size(speed)}/s`, timeLeft((transfer.total - transfer.sent) / speed));
    this.show("sending", transfer.continued ? "Continuing" : "Uploading", facts.join(" · "));
  }

  _paused(transfer) {
    this.show("paused", "Paused", `at ${percent(transfer.sent / transfer.total)}. You can go on any time, even after closing this page.`);
  }

  _retrying(transfer) {
    if (this.phase === "confirming") return;
    const seconds = Math.max(0, Math.ceil((transfer.retryAt - Date.now()) / 1000));
    let why = navigator.onLine ? "The portal does not answer." : "The connection is lost.";
    if (transfer.busy) why = "Another tab or browser is sending this file.";
    this.show("retrying", why, `Nothing that arrived is lost. Trying again in ${seconds} s.`, "warn");
  }

  _checking(transfer) {
    this.#receipt(transfer);
    this.show("checking", "Checking", "for viruses. Everything arrived: you can close this page.");
  }

  _settled(transfer) {
    this.#receipt(transfer);
    const upload = transfer.result;
    if (!upload) {
      this.show("settled", "Sent.", "Open the receipt to see what became of it.");
      return;
    }
    const [word, detail] = RESULT_WORDS[upload.state];
    this.show("settled", word, upload.reason ?? detail, RESULT_TONES[upload.state] ?? "");
    const findings = upload.scan?.findings ?? [];
    const list = this.#find(".send-row__findings");
    list.hidden = findings.length === 0;
    list.replaceChildren(
      ...findings.map(({ member, signature }) => {
        const item = document.createElement("li");
        item.textContent = `${member}: ${signature}`;
        return item;
      }),
    );
  }

  _refused(transfer) {
    this.show(transfer.mayRetry ? "postponed" : "refused", "Not accepted.", transfer.problem, "warn");
  }

  _cancelled() {
    this.show("cancelled", "Cancelled.", "What was sent is thrown away.");
  }

  #receipt(transfer) {
    this.#find("[data-act=receipt]").href = `/files/${transfer.id}/receipt`;
  }
}
