// What every page has: the colour button, copy buttons, the print button and the account menu.

const THEMES = ["system", "light", "dark"];
const THEME_WORDS = { system: "like the system", light: "light", dark: "dark" };
const root = document.documentElement;

function currentTheme() {
  return root.dataset.colours ?? "system";
}

function setTheme(theme) {
  if (theme === "system") delete root.dataset.colours;
  else root.dataset.colours = theme;
  try {
    if (theme === "system") localStorage.removeItem("diagport-theme");
    else localStorage.setItem("diagport-theme", theme);
  } catch {
    // Not kept for the next page, still applied to this one.
  }
  showTheme();
}

function showTheme() {
  const theme = currentTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const words = `Colours: ${THEME_WORDS[theme]}. Change to ${THEME_WORDS[next]}`;
  const button = document.getElementById("theme-button");
  button.dataset.theme = theme;
  button.title = words;
  document.getElementById("theme-label").textContent = words;
  button.onclick = () => setTheme(next);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.querySelector("[data-copy-label]");
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    label.textContent = "Selected";
  }
  document.getElementById("announcer").textContent = label.textContent;
  setTimeout(() => {
    label.textContent = "Copy";
  }, 2000);
}

/** Show the buttons that only work with scripts. Called again when a part of the page was renewed. */
function reveal(part) {
  for (const button of part.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.body.addEventListener("htmx:afterSwap", () => reveal(document));

document.getElementById("theme-button").hidden = false;
showTheme();
reveal(document);
const printButton = document.getElementById("print-button");
if (printButton) {
  printButton.hidden = false;
  printButton.addEventListener("click", () => print());
}
