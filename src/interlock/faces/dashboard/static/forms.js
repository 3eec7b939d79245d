// The preview follows what is typed; of a question's fields only those that belong to its kind are shown.
const builder = document.querySelector("[data-builder]");
const preview = builder.querySelector("[data-preview]");
let soon = 0;

function refresh() {
  clearTimeout(soon);
  soon = setTimeout(() => builder.requestSubmit(preview), 400);
}

preview.hidden = true;
builder.addEventListener("input", refresh);
builder.addEventListener("change", (event) => {
  if (event.target.matches(".typed select")) event.target.closest("[data-type]").dataset.type = event.target.value;
});
document.addEventListener("htmx:afterSettle", (event) => event.target.closest?.("[data-builder]") && refresh());
refresh();
