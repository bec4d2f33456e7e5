// HTML as text. Whatever is put into a template is escaped, unless it came from a template itself: so what
// a report file says can be nothing but text.

/** Text that is HTML. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = string | number | undefined | Markup | readonly Part[]

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? '')

function textOf(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Markup) return part.text
  if (Array.isArray(part)) return part.map(textOf).join('')
  return escaped(String(part))
}

/** The tag of a template: `html`<p>${anything}</p>``. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.map((text, i) => text + textOf(parts[i])).join(''))
}

/** A sentence, of which options of the command are not broken between their hyphens. */
export function prose(text: string): Markup {
  const pieces = String(text).split(/(--[a-z][\w-]*(?: [A-Z0-9]+\b)?)/)
  return html`${pieces.map((piece, i) => (i % 2 === 1 ? html`<code>${piece}</code>` : piece))}`
}

/** A figure to seven digits: what more a mean or a quotient has, nobody measured. */
export const short = (value: number) =>
  Number.isInteger(value) ? value : Number(value.toPrecision(7))

/** JSON that can stand in a script element: no string of it ends the element, or a line. */
export function scriptJson(value: unknown): Markup {
  const text = JSON.stringify(value, (_, each) =>
    typeof each === 'number' ? short(each) : each,
  ).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return new Markup(text)
}
