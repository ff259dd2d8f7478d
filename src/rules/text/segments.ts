import type { Token } from './model.ts'
import { textAt } from './token-at.ts'

const SENTENCE_ENDS = new Set(['.', '!', '?', ';', '•', '|', '…', '·', '¿', '¡'])
/** Words that begin a clause of their own: contrast and turn. */
export const TURNS = new Set([
  'but',
  'pero',
  'nhưng',
  'но',
  'mas',
  'porém',
  'however',
  'though',
  'instead',
  'sino',
  'зато',
  'однако',
  'còn',
  'porem',
  'nhung',
])

/** Writes sentence and clause numbers into the tokens; says which sentences are questions. */
export function segment(tokens: readonly Token[]): { questions: boolean[]; sentences: number } {
  let sentence = 0
  let clause = 0
  let words = 0
  const questions: boolean[] = [false]
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token
    if (words > 0 && token.form.turns) clause++
    token.sentence = sentence
    token.clause = clause
    let ends = token.kind === 'line'
    if (token.kind === 'op') {
      if (token.text === '?') questions[words > 0 ? sentence : Math.max(0, sentence - 1)] = true
      if (SENTENCE_ENDS.has(token.text)) ends = !(token.text === '.' && abbreviates(tokens, i))
      else if (token.text === ',' || token.text === '(' || token.text === ')' || token.text === '—' || isDash(tokens, i)) clause++
    } else if (!ends && token.kind !== 'emoji') words++
    if (!ends) continue
    if (words > 0) {
      sentence++
      clause++
      questions.push(false)
    }
    words = 0
  }
  return { questions, sentences: sentence + 1 }
}

/** "máx. 60€", "aprox. 200": the dot ends a short form before an amount. */
const SHORT_FORMS = new Set('max máx min mín aprox approx ca circa прим примерно ок макс мин ориент est orç presup'.split(' '))

function abbreviates(tokens: readonly Token[], i: number): boolean {
  const next = tokens[i + 1]
  return tokens[i]?.glued === true && (next?.kind === 'number' || next?.kind === 'sign') && SHORT_FORMS.has(textAt(tokens, i - 1))
}

/** A dash with space on both sides parts clauses; a glued one belongs to a range or a name. */
function isDash(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i] as Token
  if (token.text !== '-' && token.text !== '–') return false
  return !token.glued && tokens[i + 1]?.glued === false
}
