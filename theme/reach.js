// What mdBook's own page lacks for those who use the keyboard or a screen reader.
(() => {
  // The button that opens the list of chapters is a label: name it as what it is, and let keys press it.
  const toggle = document.getElementById("mdbook-sidebar-toggle");
  if (toggle) {
    toggle.setAttribute("role", "button");
    toggle.tabIndex = 0;
    toggle.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        toggle.click();
      }
    });
  }

  // While the list of chapters is hidden, its links must not take the focus.
  const chapters = document.getElementById("mdbook-sidebar");
  if (chapters) {
    const follow = () => {
      chapters.inert = chapters.getAttribute("aria-hidden") === "true";
    };
    new MutationObserver(follow).observe(chapters, { attributeFilter: ["aria-hidden"] });
    follow();
  }

  // Code that is wider than the page scrolls, so keys must be able to reach it; and while they
  // scroll it they must not turn the page.
  const blocks = [...document.querySelectorAll("pre > code")];
  const reach = () => {
    for (const block of blocks) {
      if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
      else block.removeAttribute("tabindex");
    }
  };
  for (const block of blocks) {
    block.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") event.stopPropagation();
    });
  }
  addEventListener("resize", reach);
  addEventListener("load", reach);
})();
