// Starts Swagger UI on the API's page, in the colours that the reader prefers.
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const place = document.getElementById("swagger-ui");

// What Swagger UI leaves out: names for what has none; boxes that scroll by keyboard, too.
const nameless = "select:not([aria-label]), textarea:not([aria-label]), table[role=region]:not([aria-label])";
const nameOf = (part) => {
  const row = part.closest("[data-param-name]");
  return row ? row.dataset.paramName : part.id || part.className || part.tagName.toLowerCase();
};
new MutationObserver(() => {
  place.querySelectorAll(nameless).forEach((part) => part.setAttribute("aria-label", nameOf(part)));
  place.querySelectorAll("pre:not([tabindex])").forEach((box) => box.setAttribute("tabindex", "0"));
}).observe(place, { childList: true, subtree: true });

// The page has its main part already.
const oneMain = ({ React }) => {
  const make = React.createElement;
  React.createElement = (type, ...rest) => make(type === "main" ? "div" : type, ...rest);
  return {};
};

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [oneMain],
  layout: "BaseLayout",
  defaultModelsExpandDepth: -1,
  syntaxHighlight: false,
});
