// Files dropped on the form, and how much of them has been sent.
for (const form of document.querySelectorAll("form[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  const bar = form.querySelector("progress");
  const tell = (words) => {
    form.querySelector(".problem")?.remove();
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.id = "file-problem";
    problem.setAttribute("role", "alert");
    problem.textContent = words;
    form.querySelector("h2").after(problem);
    input.setAttribute("aria-describedby", problem.id);
    input.focus();
  };
  const over = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.toggle("over", event.type === "dragover");
  };
  form.addEventListener("dragover", over);
  form.addEventListener("dragleave", over);
  form.addEventListener("drop", (event) => {
    over(event);
    if (!event.dataTransfer?.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    // fetch cannot tell how much it has sent, so the older way
    event.preventDefault();
    const request = new XMLHttpRequest();
    const button = form.querySelector("button");
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", (sent) => {
      bar.hidden = false;
      if (sent.lengthComputable) bar.value = (sent.loaded / sent.total) * 100;
    });
    request.addEventListener("load", () => {
      const onward = request.getResponseHeader("HX-Redirect");
      if (onward) return location.assign(onward);
      button.disabled = false;
      bar.hidden = true;
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const words = page.querySelector("form[data-drop] .problem, [data-toast] > div")?.textContent ?? "This did not work.";
      tell(words);
    });
    request.addEventListener("error", () => {
      button.disabled = false;
      tell("The server cannot be reached; the files were not sent.");
    });
    button.disabled = true;
    request.send(new FormData(form));
  });
}
