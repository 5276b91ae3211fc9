// A few of the rules of WCAG 2.2 that a program can check without a library.

/** The narrowest window in which nothing may scroll sideways, in CSS pixels (WCAG 1.4.10). */
const NARROW = 320;

/** What is wrong with the page as it stands. */
export async function complaintsAbout(page, name) {
  const wide = page.viewportSize();
  const complaints = await page.evaluate(inspect);
  await page.setViewportSize({ width: NARROW, height: wide.height });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > NARROW) complaints.push(`at ${NARROW} px it is ${width} px wide`);
  await page.setViewportSize(wide);
  return complaints.map((complaint) => `${name}: ${complaint}`);
}

/** Runs in the page. */
function inspect() {
  const complaints = [];
  const complain = (text, element) => complaints.push(element ? `${text}: ${element.outerHTML.slice(0, 200)}` : text);
  const visible = (element) => element.checkVisibility({ visibilityProperty: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);

  if (!document.documentElement.lang) complain("the page has no language (3.1.1)");
  if (!document.title) complain("the page has no title (2.4.2)");
  if (all("h1").length !== 1) complain(`the page has ${all("h1").length} main headings (1.3.1)`);
  if (document.documentElement.scrollWidth > innerWidth) complain("the page scrolls sideways (1.4.10)");
  for (const input of all("input:not([type=hidden]), select, textarea")) {
    const label = [...(input.labels ?? [])].map((label) => label.innerText).join("") || input.ariaLabel;
    if (!label?.trim()) complain("an input has no label (1.3.1)", input);
  }
  for (const operated of all("button, a[href]")) {
    if (!(operated.innerText.trim() || operated.ariaLabel)) complain("this has no name (4.1.2)", operated);
    const { width, height } = operated.getBoundingClientRect();
    const isInText = getComputedStyle(operated).display === "inline";
    if (!isInText && (width < 44 || height < 44)) complain("this is smaller than 44 px (2.5.5)", operated);
  }
  for (const id of all("[aria-describedby]").map((element) => element.getAttribute("aria-describedby"))) {
    if (!document.getElementById(id)) complain(`the description ${id} is missing (1.3.1)`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids.filter((id, index) => ids.indexOf(id) !== index)) complain(`the id ${id} is there twice`);

  // 4.5:1 between text and its background (1.4.3). The page has no gradients, pictures or shades.
  const rgba = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = rgba(color).map((value) => linear(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (rgba(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  for (const element of all("body *").filter((element) => hasText(element) && !element.disabled)) {
    const lights = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => a - b);
    const contrast = (lights[1] + 0.05) / (lights[0] + 0.05);
    if (contrast < 4.5) complain(`the contrast is ${contrast.toFixed(2)}:1 (1.4.3)`, element);
  }
  return complaints;
}
