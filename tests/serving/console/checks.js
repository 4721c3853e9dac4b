// What a page does wrong for people who do not see it, or see it badly: a list of sentences.
() => {
  const faults = [];
  const say = (rule, element) => faults.push(`${rule}: ${element.outerHTML.slice(0, 120)}`);
  const shown = (element) => element.getClientRects().length > 0;
  const named = (element) =>
    element.getAttribute("aria-label") || element.getAttribute("aria-labelledby") ||
    (element.textContent || "").trim() || element.title;

  if (!document.documentElement.lang) faults.push("the page names no language");
  if (!document.title.trim()) faults.push("the page has no title");
  if (document.querySelectorAll("h1").length !== 1) faults.push("the page needs one h1");
  if (document.querySelectorAll("main").length !== 1) faults.push("the page needs one main");

  let level = 0;
  for (const head of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(head.tagName[1]);
    if (next > level + 1 && level) say(`a head of level ${next} follows one of ${level}`, head);
    level = next;
  }
  const ids = new Set();
  for (const element of document.querySelectorAll("[id]")) {
    if (ids.has(element.id)) say("an id stands twice", element);
    ids.add(element.id);
  }
  for (const element of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    const wanted = `${element.getAttribute("aria-labelledby") || ""} ${element.getAttribute("aria-describedby") || ""}`;
    for (const id of wanted.trim().split(/\s+/)) if (!ids.has(id)) say(`names ${id}, which is not there`, element);
  }
  for (const element of document.querySelectorAll("input:not([type=hidden]):not([hidden]), select, textarea")) {
    if (!element.labels?.length && !element.getAttribute("aria-label")) say("a control has no label", element);
  }
  for (const element of document.querySelectorAll("a[href], button, summary")) {
    if (!named(element)) say("a control has no name", element);
  }
  for (const element of document.querySelectorAll("svg, img")) {
    const hidden = element.closest("[aria-hidden=true]");
    if (!hidden && !(element.getAttribute("role") === "img" && named(element)) && !element.alt) say("a picture says nothing", element);
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.querySelector("thead th[scope]")) say("a table has no heads", table);
    for (const head of table.querySelectorAll("th")) if (!head.scope) say("a head has no scope", head);
  }
  for (const region of document.querySelectorAll(".scroll")) {
    if (region.tabIndex !== 0 || !region.getAttribute("aria-label")) say("a region that scrolls cannot be reached", region);
  }

  // Contrast of text with the first ground behind it, as WCAG 2 counts it.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => {
      const s = v / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const seen = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !shown(element) || element.closest("svg")) continue;
    const style = getComputedStyle(element);
    const grounds = [];
    for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const ground = over(["white", ...grounds]);
    const text = over([`rgb(${ground})`, style.color]);
    const [high, low] = [light(text), light(ground)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const key = `${text}|${ground}`;
    if (ratio < (large ? 3 : 4.5) && !seen.has(key)) {
      seen.add(key);
      say(`contrast is ${ratio.toFixed(2)}`, element);
    }
  }
  return faults;
}
