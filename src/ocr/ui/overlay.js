const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, space = null) {
  const made = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Everything that was read goes in as text, never as markup.
export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".overlay");
  const kept = root.querySelector(".lines");
  const scrolled = kept ? kept.scrollTop : 0;
  root.replaceChildren();

  const picture = element("div", { class: "picture", style: `max-height:${data.shown}px` });
  const svg = element("svg", { viewBox: `0 0 ${data.width} ${data.height}`, role: "img" }, SVG);
  svg.style.maxHeight = `${data.shown - 2}px`;
  svg.style.width = "100%";
  svg.appendChild(element("image", { href: data.image, width: data.width, height: data.height }, SVG));
  picture.appendChild(svg);
  const list = element("ol", { class: "lines", style: `max-height:${data.shown}px` });
  root.append(picture, list);

  data.items.forEach((item, index) => {
    const shape = element(
      "polygon",
      { points: item.polygon.map((point) => point.join(",")).join(" "), class: item.kind, "data-line": index },
      SVG,
    );
    const row = element("li", { class: item.kind, "data-line": index });
    for (const [name, text] of [["number", index + 1], ["text", item.text], ["note", item.note]]) {
      const cell = element("span", { class: name });
      cell.textContent = text;
      row.appendChild(cell);
    }
    svg.appendChild(shape);
    list.appendChild(row);
    const mark = (on) => [shape, row].forEach((one) => one.classList.toggle("on", on));
    shape.onmouseenter = () => {
      mark(true);
      list.scrollTop = row.offsetTop - list.offsetTop - list.clientHeight / 2;
    };
    row.onmouseenter = () => mark(true);
    shape.onmouseleave = row.onmouseleave = () => mark(false);
    row.onclick = () => shape.scrollIntoView({ block: "center" });
  });
  if (data.items.length === 0) {
    const row = element("div", { class: "none" });
    row.textContent = "No lines.";
    list.appendChild(row);
  }
  list.scrollTop = scrolled;
}
