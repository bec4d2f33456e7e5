// The doctor's report as text for people: a line for each finding, commands on lines of their own,
// which are never broken, so that they can be copied.

import { wrap } from '../table.js'
import { type DoctorReport, type Finding, type Level, SECTIONS } from './findings.js'

/** Read without colour, and found by a search. */
const MARKS: Record<Level, string> = { good: 'ok', note: 'note', problem: 'PROBLEM' }
const INDENT = '  '
const HANG = ' '.repeat(INDENT.length + MARKS.problem.length + 2)

function findingText({ level, text, remedy }: Finding, width: number): string {
  const [first = '', ...more] = text.split('\n')
  const head = `${INDENT}${MARKS[level]}`.padEnd(HANG.length)
  // Lines of a message that has its own come as they are.
  const lines = [wrap(first, width, HANG, head), ...more.map((line) => `${HANG}${line}`)]
  if (remedy !== undefined) lines.push(`${HANG}${INDENT}${remedy}`)
  return lines.map((line) => `${line}\n`).join('')
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

/** The whole report, no line but those of commands longer than `width`. */
export function describe({ findings, summary }: DoctorReport, width: number): string {
  const sections = SECTIONS.map(
    (section) => [section, findings.filter((finding) => finding.section === section)] as const,
  )
  const text = sections
    .filter(([, own]) => own.length > 0)
    .map(([section, own]) => `${section}\n${own.map((one) => findingText(one, width)).join('')}`)
  const { problems, notes, good } = summary
  return `${text.join('\n')}\n${counted(problems, 'problem')}, ${counted(notes, 'note')}, ${good} ok\n`
}
