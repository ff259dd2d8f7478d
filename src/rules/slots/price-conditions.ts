import type { Token } from '../text/model.ts'
import { kindAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { candidateOf, isPrice, type PriceCandidate } from './price-candidate.ts'
import type { Tags } from './tags.ts'

// Amounts that are no price as they stand: what somebody refuses, and what would be asked under a condition.

const TAKES = new WordSet(
  (
    'take accept consider acepto acepta aceptamos doy dejo vendo aceito aceita vendo dou faço отдам продам возьму приму уступлю ' +
    'bán nhận'
  ).split(' '),
)
const FOR = new WordSet(['for', 'por', 'en', 'за', 'giá', 'at'])
const NOT = new WordSet([
  'not',
  "won't",
  'wont',
  "can't",
  'cant',
  "don't",
  'dont',
  'never',
  'cannot',
  'no',
  'não',
  'nao',
  'не',
  'không',
  'ko',
  'nunca',
])
/** "no i will not take 2k", "no acepto 200", "за 5000 не отдам": an amount is turned down. */
export function refused(tokens: readonly Token[], start: number): boolean {
  let verb = start - 1
  if (kindAt(tokens, verb) !== 'word') return false
  if (FOR.has(tokens[verb])) verb--
  // "won't let it go for 100" is rarer than the verbs themselves.
  if (!TAKES.has(tokens[verb])) return false
  return NOT.has(tokenAt(tokens, verb - 1))
}

const MODALS = new WordSet('would could might can podría podria poderia bajaría bajaria mogu могу можем смогу'.split(' '))
const IF = new WordSet(
  (
    'if si se если при nếu khi over for with trên từ từng от больше más mais above bulk orders order lô mua buying lấy ' +
    'llevando comprando levando групп группы группам'
  ).split(' '),
)
const REACH = 8

/**
 * "asking 1,450, would drop to 1,350 for cash", "150k/bạn, lớp trên 30 bạn giảm còn 120k": a lower price behind a plain one that holds
 * under a condition only leaves the plain one.
 */
export function conditional(tokens: readonly Token[], tags: Tags, out: PriceCandidate[]): void {
  const at = out.findLastIndex((c) => c.now && c.tier >= 1)
  const c = out[at]
  if (c === undefined || at < 1) return
  const plain = out[at - 1] as PriceCandidate
  if (!isPrice(plain.role) || Number(plain.amount.max) <= Number(c.amount.max)) return
  if (plain.tier < 1 && !tags.ends('goods', plain.amount.start)) return
  // Words of a condition stand before the number of how many, or a modal before the verb.
  for (let i = c.amount.start - 1; i >= plain.end && c.amount.start - i <= REACH; i--) {
    const token = tokens[i] as Token
    if (token.kind === 'line') return
    const many = kindAt(tokens, i + 1) === 'number' || kindAt(tokens, i + 2) === 'number'
    if (MODALS.has(token) || (IF.has(token) && many && i + 2 < c.amount.start)) {
      out[at] = candidateOf({ ...c, role: 'historic', now: false })
      return
    }
  }
}
