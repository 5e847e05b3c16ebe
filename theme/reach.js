// What mdBook's own page lacks for those who use the keyboard or a screen reader.
(() => {
  // What opens the list of chapters is a label: no key reaches it, and a label can't have the role
  // of a button. A button takes its place and presses it; mdBook goes on to note on the label
  // whether the list is open.
  const label = document.getElementById("mdbook-sidebar-toggle");
  if (label) {
    const button = document.createElement("button");
    const open = document.getElementById("mdbook-sidebar-toggle-anchor")?.checked ?? false;
    button.type = "button";
    button.className = label.className;
    button.title = label.title;
    button.setAttribute("aria-label", label.getAttribute("aria-label") ?? label.title);
    button.setAttribute("aria-controls", "mdbook-sidebar");
    button.setAttribute("aria-expanded", String(open));
    button.append(...label.childNodes);
    label.before(button);
    label.hidden = true;
    label.removeAttribute("id");
    button.id = "mdbook-sidebar-toggle";
    button.addEventListener("click", () => label.click());
    new MutationObserver(() => {
      button.setAttribute("aria-expanded", label.getAttribute("aria-expanded"));
    }).observe(label, { attributeFilter: ["aria-expanded"] });
  }

  // The bar above the page stands in no landmark.
  document.getElementById("mdbook-menu-bar")?.setAttribute("role", "banner");

  // While the list of chapters is hidden, its links must not take the focus.
  const chapters = document.getElementById("mdbook-sidebar");
  if (chapters) {
    const follow = () => {
      chapters.inert = chapters.getAttribute("aria-hidden") === "true";
    };
    new MutationObserver(follow).observe(chapters, { attributeFilter: ["aria-hidden"] });
    follow();
  }

  // Markdown makes a heading of a table's empty corner.
  for (const corner of document.querySelectorAll("main th:empty")) {
    corner.replaceWith(document.createElement("td"));
  }

  // Code and tables that are wider than the page scroll, so keys must be able to reach them; and
  // while they scroll them they must not turn the page.
  const blocks = [...document.querySelectorAll("pre > code, main .table-wrapper")];
  const reach = () => {
    for (const block of blocks) {
      const scrolls = block.scrollWidth > block.clientWidth;
      if (scrolls) block.tabIndex = 0;
      else block.removeAttribute("tabindex");
      if (block.className !== "table-wrapper") continue;
      if (scrolls) {
        block.setAttribute("role", "group");
        block.setAttribute("aria-label", "Table that scrolls sideways");
      } else {
        block.removeAttribute("role");
        block.removeAttribute("aria-label");
      }
    }
  };
  for (const block of blocks) {
    block.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") event.stopPropagation();
    });
  }
  // Not only the window's size decides, but the list of chapters beside the page and the fonts too.
  const sizes = new ResizeObserver(reach);
  for (const block of blocks) sizes.observe(block);
})();
