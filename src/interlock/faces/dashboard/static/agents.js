// The tools of an agent's form: search among them, and count what is chosen.

const tools = document.querySelector("[data-tools]");
if (tools) {
  const search = tools.querySelector("[data-tool-search]");
  const count = tools.querySelector("[data-tools-count]");
  const groups = [...tools.querySelectorAll("[data-tool-group]")];
  const opened = new Map();

  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of groups) {
      let found = 0;
      for (const tool of group.querySelectorAll("[data-tool]")) {
        const text = tool.dataset.tool.toLowerCase();
        tool.hidden = !words.every((word) => text.includes(word));
        found += tool.hidden ? 0 : 1;
      }
      if (words.length && !opened.has(group)) opened.set(group, group.open);
      group.hidden = found === 0;
      group.open = words.length ? found > 0 : (opened.get(group) ?? group.open);
    }
    if (!words.length) opened.clear();
  });
  search.addEventListener("change", (event) => event.stopPropagation()); // a search changes nothing of the agent
  search.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  tools.addEventListener("change", () => {
    count.textContent = `${tools.querySelectorAll("input[name=tools]:checked").length} chosen`;
  });
}
