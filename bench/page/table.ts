// Tables of the page: with a caption, heads that name their cells, and a box that they scroll in where the
// screen is narrow.

import { cellText } from '../../lib/cli/table.js'
import type { Table } from '../harness/experiment.js'
import { html, type Markup, prose, short } from './markup.js'

/** A box that scrolls across, also by keys. */
export function scrolling(label: string, content: Markup): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">${content}</div>`
}

/** `caption` says what it is where the table has no title. */
export function tableMarkup(table: Table, caption: string): Markup {
  const { columns, rows, notes } = table
  const title = table.title ?? caption
  const isFigure = columns.map(({ unit, digits }) => unit !== undefined || digits !== undefined)
  const kind = (i: number) => (isFigure[i] ? 'figure' : 'text')
  const heads = columns.map(({ head, unit }, i) => {
    const below = unit === undefined ? undefined : html`<span class="unit">${unit}</span>`
    return html`<th scope="col" class="${kind(i)}">${head}${below === undefined ? '' : ' '}${below}</th>`
  })
  const lines = rows.map((row) => {
    const cells = columns.map((column, i) => {
      const value = row[i]
      const text = cellText(value, column)
      if (i === 0) return html`<th scope="row" class="${kind(i)}">${text}</th>`
      const shown =
        typeof value === 'number' ? html`<data value="${short(value)}">${text}</data>` : text
      return html`<td class="${kind(i)}">${shown}</td>`
    })
    return html`<tr>${cells}</tr>\n`
  })
  const content = html`<table>
<caption>${title}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${lines}</tbody>
</table>`
  const below = notes.map((note) => html`<p class="note">${prose(note)}</p>\n`)
  return html`<div class="table">${scrolling(title, content)}
${below}</div>
`
}
