// The editor of the mask, run by Gradio's HTML component: `element`, `props` and `watch` are its own.
// Found damage is weighed and painted here, so that it follows the slider at once; strokes stay on top.
const all = (selector) => [...element.querySelectorAll(selector)];
const one = (selector) => element.querySelector(selector);
const MOST_ZOOM = 8;
const MOST_POINTS = 10_000; // of a stroke

let opened = 0; // counts values, as an older one may be read later
let sent = null; // the value of the component
let planes = null; // Uint8Array, (groups, h, w)
let weights = { sensitivity: 0.5, groups: [] };
let strokes = [];
let stroke = null; // the one that is being drawn
let tool = matchMedia("(pointer: coarse)").matches ? "move" : "brush";
let zoom = 1;
let panned = null; // where the pointer was while moving

async function open() {
  const number = ++opened;
  if (!props.value) return;
  const next = JSON.parse(props.value);
  const bytes = Uint8Array.from(atob(next.planes), (each) => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const inflated = new Uint8Array(await new Response(stream).arrayBuffer());
  if (number !== opened) return;
  if (sent?.photo !== next.photo) {
    strokes = [];
    one("img").src = next.picture;
    one("canvas").width = next.width;
    one("canvas").height = next.height;
    one(".stage").style.setProperty("--ratio", next.width / next.height);
    one(".size").value = Math.max(4, Math.round(Math.max(next.width, next.height) / 40));
    setZoom(1);
  }
  [sent, planes, weights] = [next, inflated, next.weights];
  one(".mask-editor").dataset.photo = next.photo;
  setTool(tool);
  redraw();
}

let waiting = false;
function redraw() {
  if (!waiting) requestAnimationFrame(draw);
  waiting = true;
}

function draw() {
  waiting = false;
  const context = one("canvas").getContext("2d");
  const { width, height, groups, needed } = sent;
  const picture = new ImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  const row = needed[Math.round(weights.sensitivity * (needed.length - 1))];
  // The groups one over the other, the first one on top.
  for (let number = groups.length - 1; number >= 0; number--) {
    if (!weights.groups.includes(groups[number].name)) continue;
    const plane = planes.subarray(number * pixels.length, (number + 1) * pixels.length);
    const [red, green, blue] = groups[number].color;
    const color = (255 << 24) | (blue << 16) | (green << 8) | red;
    for (let at = 0; at < pixels.length; at++) if (plane[at] >= row[number]) pixels[at] = color;
  }
  context.putImageData(picture, 0, 0);
  for (const each of stroke ? [...strokes, stroke] : strokes) paint(each, each.points);
  one(".undo").disabled = !strokes.length;
}

function paint({ tool, size }, points) {
  const context = one("canvas").getContext("2d");
  context.globalCompositeOperation = tool === "brush" ? "source-over" : "destination-out";
  context.strokeStyle = getComputedStyle(one(".mask-editor")).getPropertyValue("--hand");
  [context.lineWidth, context.lineCap, context.lineJoin] = [size, "round", "round"];
  context.beginPath();
  context.moveTo(...points[0]);
  for (const point of points) context.lineTo(...point);
  context.stroke();
  context.globalCompositeOperation = "source-over";
}

function setTool(chosen) {
  tool = chosen;
  one(".mask-editor").dataset.tool = tool;
  for (const each of all("[data-choose]"))
    each.setAttribute("aria-pressed", each.dataset.choose === tool);
}

function setZoom(wanted) {
  const view = one(".view");
  const middle = [
    (view.scrollLeft + view.clientWidth / 2) / view.scrollWidth,
    (view.scrollTop + view.clientHeight / 2) / view.scrollHeight,
  ];
  zoom = Math.min(MOST_ZOOM, Math.max(1, wanted));
  one(".stage").style.setProperty("--zoom", zoom);
  one(".zoom").textContent = `${Math.round(100 * zoom)}%`;
  one(".out").disabled = zoom === 1;
  one(".in").disabled = zoom === MOST_ZOOM;
  view.scrollLeft = middle[0] * view.scrollWidth - view.clientWidth / 2;
  view.scrollTop = middle[1] * view.scrollHeight - view.clientHeight / 2;
}

const round = (value) => Math.round(10 * value) / 10;
function place(event) {
  const canvas = one("canvas");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [
    round(((event.clientX - left) * canvas.width) / width),
    round(((event.clientY - top) * canvas.height) / height),
  ];
}

function showCursor(event) {
  const { left, top, width } = one(".stage").getBoundingClientRect();
  const cursor = one(".cursor");
  cursor.style.width = `${(one(".size").value * width) / one("canvas").width}px`;
  cursor.style.left = `${event.clientX - left}px`;
  cursor.style.top = `${event.clientY - top}px`;
}

element.addEventListener("pointerdown", (event) => {
  if (event.target !== one("canvas") || event.button || !sent || stroke) return;
  if (tool === "move") {
    if (event.pointerType === "mouse") panned = [event.clientX, event.clientY];
  } else {
    stroke = { tool, size: Number(one(".size").value), points: [place(event)] };
    paint(stroke, stroke.points);
    event.preventDefault();
  }
  if (stroke || panned) event.target.setPointerCapture(event.pointerId);
});

element.addEventListener("pointermove", (event) => {
  if (event.target !== one("canvas")) return;
  showCursor(event);
  if (panned) {
    one(".view").scrollBy(panned[0] - event.clientX, panned[1] - event.clientY);
    panned = [event.clientX, event.clientY];
  } else if (stroke) {
    stroke.points.push(place(event));
    paint(stroke, stroke.points.slice(-2));
    if (stroke.points.length === MOST_POINTS) lift();
  }
});

function lift() {
  if (stroke) strokes.push(stroke);
  [stroke, panned] = [null, null];
  one(".undo").disabled = !strokes.length;
}
element.addEventListener("pointerup", lift);
element.addEventListener("pointercancel", lift);

function undo() {
  strokes.pop();
  redraw();
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.choose) setTool(button.dataset.choose);
  else if (button?.matches(".undo")) undo();
  else if (button?.matches(".in")) setZoom(zoom * 1.5);
  else if (button?.matches(".out")) setZoom(zoom / 1.5 < 1.1 ? 1 : zoom / 1.5);
});

element.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && strokes.length) undo();
});

window.maskEditor = {
  weigh(sensitivity, groups) {
    weights = { sensitivity, groups };
    if (sent) redraw();
  },
  corrections: () => JSON.stringify({ photo: sent?.photo ?? "", strokes }),
};

watch("value", open);
open();
