// Under load the page draws many times a second: what stays the same must not cost style, layout or a screen reader's
// attention again.

/** `undefined`: without the attribute. */
export function setAttribute(element: Element, name: string, value: string | undefined): void {
  if ((element.getAttribute(name) ?? undefined) === value) return;
  if (value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

export function setStyle(element: HTMLElement, name: 'height' | 'paddingTop', value: string): void {
  if (element.style[name] !== value) element.style[name] = value;
}

export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
