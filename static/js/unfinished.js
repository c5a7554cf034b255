// The portal's list of what was begun and not finished: which of it a chosen file belongs to, and
// cancelling it. It is the same list in every browser, because it comes with the page.

import { wayOf } from "./ways.js";

class Item {
  constructor(element) {
    const { filename, size, received, modified, parts, way } = element.dataset;
    Object.assign(this, { element, filename, modified, way });
    this.size = Number(size);
    this.received = Number(received);
    this.parts = parts.split(" ");
  }

  /** Same name, same size. Nothing cheaper tells files apart; if they differ inside, the scan finds it damaged. */
  fits(file) {
    return this.filename === file.name && this.size === file.size;
  }

  /** Surely the very file: it was not changed since. Parts know that; a file sent as a whole does not. */
  isSurely(file) {
    return this.fits(file) && this.modified === String(file.lastModified);
  }

  remove() {
    const section = this.element.closest("section");
    this.element.remove(); // once more does no harm
    if (!section?.querySelector("[data-unfinished]")) section?.remove();
  }

  #button(act) {
    return this.element.querySelector(`[data-unfinished-act=${act}]`);
  }

  /** Show these buttons, and move the keyboard's place from one that went away to the first. */
  offer(...acts) {
    const hadFocus = this.element.contains(document.activeElement);
    for (const button of this.element.querySelectorAll("[data-unfinished-act]")) {
      button.hidden = !acts.includes(button.dataset.unfinishedAct);
    }
    const lost = document.activeElement.hidden || !this.element.contains(document.activeElement);
    if (hadFocus && lost) this.#button(acts[0])?.focus();
  }

  say(words) {
    this.element.querySelector(".unfinished__said").textContent = words;
  }
}

export class Unfinished {
  expected = null; // the item whose file is being chosen
  #items;

  /** @param {() => void} choose opens the dialog to choose files */
  constructor(portal, choose) {
    this.portal = portal;
    this.#items = [...document.querySelectorAll("[data-unfinished]")].map((element) => new Item(element));
    for (const item of this.#items) {
      this.#settle(item);
      item.element.addEventListener("click", (event) => {
        const act = event.target.closest("[data-unfinished-act]")?.dataset.unfinishedAct;
        if (act === "choose") {
          this.expected = item;
          choose();
        } else if (act) this.#act(act, item);
      });
    }
  }

  /** The item that a file seems to belong to, or null. */
  like(file) {
    return this.#items.find((item) => item.element.isConnected && item.fits(file)) ?? null;
  }

  #settle(item) {
    item.say("");
    item.offer(...(item.size ? ["choose", "cancel"] : ["cancel"]));
  }

  async #act(act, item) {
    if (act === "cancel") {
      item.say("Stop for good?");
      item.offer("keep", "discard");
    } else if (act === "keep") this.#settle(item);
    else {
      try {
        await (await wayOf(item.way)).discard(item.parts, this.portal);
        item.remove();
        document.getElementById("announcer").textContent = `${item.filename}: Cancelled. What was sent is thrown away.`;
        document.getElementById("diag").focus();
      } catch (error) {
        this.#settle(item);
        item.say(error.message && !(error instanceof TypeError) ? error.message : "The portal does not answer. Try again.");
      }
    }
  }
}
