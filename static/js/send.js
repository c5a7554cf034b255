// The send page: turns the plain form into a list of transfers. Without this file the form still works.

import { percent } from "./format.js";
import { whyNot } from "./precheck.js";
import { Transfer } from "./transfer.js";
import { UploadRow } from "./upload_row.js";

const AT_ONCE = 2;

const form = document.getElementById("send-form");
const input = document.getElementById("diag");
const zone = document.getElementById("dropzone");
const list = document.getElementById("send-list");
const button = document.getElementById("send-button");
const hint = document.getElementById("send-hint");
const announcer = document.getElementById("announcer");
const pageTitle = document.title;
const looking = new Set(); // files that are being looked at
const entries = new Map(); // row -> transfer, or null while it cannot be sent

const transfers = () => [...entries.values()].filter(Boolean);

function announce(words) {
  if (words) announcer.textContent = words;
}

function unfinishedLike(file) {
  return [...document.querySelectorAll("[data-unfinished]")].find(
    (item) => item.dataset.filename === file.name && Number(item.dataset.size) === file.size,
  );
}

async function add(file) {
  const known = [...entries.keys()].some(
    ({ file: other, phase }) =>
      other.name === file.name && other.size === file.size && other.lastModified === file.lastModified && !["cancelled", "settled"].includes(phase),
  );
  if (known) {
    announce(`${file.name} is in the list already.`);
    return;
  }
  const row = new UploadRow(file, act);
  entries.set(row, null);
  list.hidden = false;
  list.append(row.element);
  const problem = await whyNot(file, Number(form.dataset.maxBytes));
  if (problem) {
    row.unfit(problem);
    announce(`${file.name} cannot be sent. ${problem}`);
    refresh();
    return;
  }
  const transfer = new Transfer(file, { person: form.dataset.person, onChange: (changed) => changedOne(row, changed) });
  const begunHere = await transfer.findPrevious();
  const begunElsewhere = begunHere ? null : unfinishedLike(file);
  entries.set(row, transfer);
  if (begunElsewhere) row.ask(Number(begunElsewhere.dataset.received));
  else row.update(transfer);
  refresh();
}

function changedOne(row, transfer) {
  announce(row.update(transfer));
  if (transfer.id) document.querySelector(`[data-unfinished="${transfer.id}"]`)?.remove();
  if (transfer.phase === "checking" || transfer.phase === "settled") renewRecent();
  refresh();
  pump();
}

/** The list below shows what was just sent, as after a reload. */
async function renewRecent() {
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("recent");
    const shown = document.getElementById("recent");
    if (fresh && shown && !shown.contains(document.activeElement)) shown.replaceWith(document.adoptNode(fresh));
  } catch {
    // It can wait for the next page.
  }
}

/** Keep two transfers going as long as others wait. */
function pump() {
  const going = transfers().filter(({ phase }) => phase === "sending" || phase === "retrying").length;
  const next = transfers().find(({ phase }) => phase === "queued");
  if (next && going < AT_ONCE) next.start();
}

function act(action, row) {
  const transfer = entries.get(row);
  if (action === "remove") {
    entries.delete(row);
    row.element.remove();
    list.hidden = entries.size === 0;
    input.focus();
  } else if (action === "continue" || action === "restart") {
    if (action === "continue") transfer.continueFrom(unfinishedLike(row.file)?.dataset.unfinished);
    row.update(transfer);
    sendOne(transfer);
  } else if (action === "pause") transfer.pause();
  else if (action === "resume") transfer.queue();
  else if (action === "retry") transfer.start();
  else if (action === "cancel" && (transfer.id !== null || transfer.continued)) row.confirmCancel();
  else if (action === "cancel" || action === "discard") transfer.cancel();
  else if (action === "keep") {
    row.phase = null;
    row.update(transfer);
  }
  refresh();
}

function sendOne(transfer) {
  const metadata = {};
  for (const name of ["case", "note"]) {
    const value = form.elements[name].value.trim();
    if (value) metadata[name] = value;
  }
  transfer.describe(metadata);
  transfer.queue();
}

/** The button and the title say how things stand. */
function refresh() {
  const all = transfers();
  const waiting = [...entries.keys()].filter((row) => row.phase === "ready").length;
  const active = all.filter((transfer) => transfer.active);
  button.textContent = waiting > 1 ? `Send ${waiting} bundles` : "Send bundle";
  const hadFocus = document.activeElement === button;
  button.hidden = waiting === 0 && entries.size > 0;
  if (hadFocus && button.hidden) list.focus();
  hint.hidden = active.length === 0;
  hint.textContent = "Keep this page open while it sends. If it closes, choose the same file again: it continues.";
  const sent = active.reduce((sum, transfer) => sum + transfer.sent, 0);
  const total = active.reduce((sum, transfer) => sum + transfer.total, 0);
  document.title = active.length > 0 ? `${percent(sent / total)} sent · ${pageTitle}` : pageTitle;
}

function addAll(files) {
  for (const file of files) {
    const look = add(file).finally(() => looking.delete(look));
    looking.add(look);
  }
}

input.multiple = true;
input.required = false;
input.addEventListener("change", () => {
  addAll([...input.files]);
  input.value = "";
});
// What was chosen before this script ran, or what the browser put back after a reload.
if (input.files.length > 0) input.dispatchEvent(new Event("change"));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await Promise.all(looking);
  const ready = [...entries].filter(([row]) => row.phase === "ready");
  if (ready.length === 0 && entries.size > 0) return;
  if (ready.length === 0) {
    announce("Choose a bundle first.");
    input.click();
    return;
  }
  for (const [, transfer] of ready) sendOne(transfer);
});

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.add("dropzone--over");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    if (name === "dragleave" && event.relatedTarget) return;
    zone.classList.remove("dropzone--over");
  });
}
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  addAll([...event.dataTransfer.files]);
});

addEventListener("online", () => {
  for (const transfer of transfers()) if (transfer.phase === "retrying") transfer.start();
});
addEventListener("beforeunload", (event) => {
  if (transfers().some((transfer) => transfer.phase !== "paused" && transfer.active)) event.preventDefault();
});
setInterval(() => {
  for (const [row, transfer] of entries) if (transfer?.phase === "retrying") row.update(transfer);
}, 1000);

form.dataset.ready = "yes"; // for who must wait until files can be dropped
