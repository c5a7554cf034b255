// Runs before the first paint: applies the colours that were chosen here before.
// Without a choice, and without JavaScript, the style sheet follows the system.
(() => {
  const root = document.documentElement;
  root.classList.add("has-script");
  try {
    const choice = localStorage.getItem("diagport-theme");
    if (choice === "light" || choice === "dark") root.dataset.colours = choice;
  } catch {
    // Storage is closed to us (private window): follow the system.
  }
})();
