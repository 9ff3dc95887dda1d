"""What is looked at in any page: what Tab reaches, contrast of text and curves, what a policy refuses; a phone's screen."""

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

REACHABLE = "a[href], button, select, input, [tabindex='0']"
"""Selector of what Tab stops at."""

TOLD = """() => {
  const one = document.activeElement;
  if (one === document.body) return null;
  const style = getComputedStyle(one);
  const place = [...document.querySelectorAll("*")].indexOf(one);
  return {place, style: style.outlineStyle, width: parseFloat(style.outlineWidth)};
}"""
"""Script: the element in focus as its place in the page, and its outline."""

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] / 255 + below[i] * (1 - top[3] / 255)).concat(255);
  const behind = (one) => one === null ? [255, 255, 255, 255]
    : over(colour(getComputedStyle(one).backgroundColor), behind(one.parentElement));
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) => {
    const v = c[i] / 255;
    return sum + w * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE", "OPTION"].includes(one.tagName) || !one.checkVisibility()) continue;
    const style = getComputedStyle(one), under = behind(one);
    const svg = one instanceof SVGElement;
    if ([...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) {
      const ink = colour(svg ? style.fill : style.color);
      found.push([ratio(over(ink, under), under), 4.5, one.tagName, one.textContent.slice(0, 40)]);
    } else if (svg && one.matches(".curve:not(.single), .guess")) {
      found.push([ratio(over(colour(style.stroke), under), under), 3, one.getAttribute("class"), ""]);
    }
  }
  return found;
}"""
"""Script: contrast of each text and curve with what is behind it, the least that it should be, and what it is."""

REFUSED = """async () => {
  const refused = [];
  document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "window.ran = true";
  document.body.append(script);
  const button = document.createElement("button");
  button.setAttribute("onclick", "window.ran = true");
  document.body.append(button);
  button.click();
  const style = document.createElement("style");
  style.textContent = "body { color: rgb(1, 2, 3) }";
  document.head.append(style);
  const image = document.createElement("img");
  image.src = "https://example.org/picture.png";
  document.body.append(image);
  await fetch("https://example.org/").catch(() => 0);
  await new Promise((done) => setTimeout(done, 50));
  return [refused.sort(), window.ran ?? null, getComputedStyle(document.body).color];
}"""
"""Script: tries inline script and style, a picture and a request of elsewhere; directives that refused, what it reached."""
