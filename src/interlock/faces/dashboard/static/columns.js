// Of a column's fields only those that belong to its type are shown.
function show(select) {
  select.closest("[data-type]").dataset.type = select.value;
}
document.addEventListener("change", (event) => {
  if (event.target.matches(".typed select")) show(event.target);
});
