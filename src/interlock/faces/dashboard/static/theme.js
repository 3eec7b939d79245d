// Loaded before anything is painted, so that a chosen theme never flashes in the other one.
try {
  const chosen = localStorage.getItem("interlock-theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // a browser that keeps nothing follows the system's theme
}
