// The account page: offers the time zone of this browser.

const zones = document.getElementById("time-zone");
const offer = document.getElementById("browser-zone");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
const option = [...zones.options].find((each) => each.value === here);

function show() {
  offer.hidden = !option || option.selected;
}

if (option) {
  offer.textContent = `Take ${option.text}, as this browser has it`;
  offer.addEventListener("click", () => {
    option.selected = true;
    show();
    zones.focus();
  });
  zones.addEventListener("change", show);
}
show();
