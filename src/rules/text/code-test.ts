import { HAS } from './signs.ts'

const JUDGED = 400

/** A pattern with the characters of which a text must have one of each set for it to match; 0 asks for none. */
interface Sign {
  readonly pattern: RegExp
  readonly needs: number
  readonly and: number
}
const sign = (pattern: RegExp, needs: number, and = 0): Sign => ({ pattern, needs, and })

/** Words one of which the two patterns of a query's text have; ſ counts as s there. */
const MAYBE_QUERY = /[sſ]elect|in[sſ]ert|delete|create|update/i
/** Text of queries; decisive, like the next ones. */
const QUERIES: readonly RegExp[] = [
  /\bselect\b[^\n]{1,120}\bfrom\b[^\n]{1,120}(?:\bwhere\b|;|\border by\b|\bjoin\b|\blimit\b)/iu,
  /\b(?:select \* from|insert into \w|delete from \w+ where|create table|update \w+ set)\b/iu,
]
/** Signs of program text. Every pattern is linear: fixed words, one bounded class run at most. */
const DECISIVE: readonly Sign[] = [
  sign(/\$\(|\$\{/u, HAS.dollar, HAS.parenthesis | HAS.brace),
  sign(
    /(?:^|\n)(?:\$|#|>>>) (?:npm|git|sudo|cd|ls|cat|curl|python3?|pip|docker|apt|yarn|node|import|print|echo|make|cargo|ssh)\b/u,
    HAS.dollar | HAS.hash | HAS.greater,
  ),
]
const SIGNS: readonly Sign[] = [
  sign(/\$[A-Za-z_]{2,}/u, HAS.dollar),
  sign(/;[ \t]*(?:\n|$)/u, HAS.semicolon),
  sign(/=>|&&|\|\||!=|==|::/u, HAS.equals | HAS.ampersand | HAS.pipe | HAS.colon),
  sign(/\{[^}\n]{0,40}["'][^"'\n]{1,40}["'][ ]?:/u, HAS.brace, HAS.colon),
  sign(
    /\b(?:const|let|var|function|import|export|def|class|return|elif|async|await|public|void|lambda)\b[^\n]{0,60}[({=:]/u,
    HAS.parenthesis | HAS.brace | HAS.equals | HAS.colon,
  ),
  sign(
    /\/[^/\s]{2,60}\/[gimsuy]{1,4}\b|\.(?:match|replace|test|split|map|filter|forEach|append|push|format)\(/u,
    HAS.slash | HAS.parenthesis,
  ),
  sign(
    /(?:^|[\n|;&`] ?)(?:curl -|npm i|npm run|git (?:push|pull|commit|clone|checkout|rebase)|awk |sed |grep |sudo |docker (?:run|compose|exec|build)|pip3? install|apt(?:-get)? install|echo \$|chmod |kubectl |cargo (?:build|run|install)|yarn add|ssh \w+@|for \w+ in |python3? \S+\.py)/u,
    0,
  ),
  sign(/\b[A-Za-z_]\w{0,40}\.[a-z]\w{0,40}\((?:['"\w)]|\{)/u, HAS.parenthesis),
  sign(/<\/?(?:div|span|html|body|script|p|a|table|tr|td|ul|li|head|button|img)\b[^>\n]{0,80}>/iu, HAS.less),
  sign(/\b(?:if|while|for) ?\([^\n]{1,80}\) ?\{/u, HAS.parenthesis, HAS.brace),
  sign(/\bprint(?:f|ln)?\(|console\.log\(|System\.out/u, HAS.parenthesis | HAS.dot),
  sign(/'\{print|^#!\/|"\$\w|: \d+, *"/u, HAS.brace | HAS.hash | HAS.quote),
  sign(/(?:^|\n)(?:Traceback|Error|Exception|TypeError|SyntaxError|fatal|warning)[:(]/u, HAS.colon | HAS.parenthesis),
  sign(/\|[ ](?:grep|awk|sed|tr|sort|xargs|jq|head|tail|wc|uniq)\b/u, HAS.pipe),
]

/** A text without any of these is no program text. */
const CODE_SIGNS =
  HAS.dollar |
  HAS.semicolon |
  HAS.equals |
  HAS.ampersand |
  HAS.pipe |
  HAS.brace |
  HAS.parenthesis |
  HAS.less |
  HAS.greater |
  HAS.exclamation |
  HAS.colon |
  HAS.hash |
  HAS.apostrophe |
  HAS.slash
/** The same in the text itself: the signs may be those of more. Every other pattern that decides has one of them. */
const CODE_CHARACTER = /[$;=&|{}()<>!:#'/]/u
/** What typographic signs become in the clean view. */
const REPLACED = HAS.apostrophe | HAS.quote

/** Whether unfenced text is program text (two different signs or one decisive). `signs`: what it is made of, or more. */
export function looksLikeCode(raw: string, signs: number): boolean {
  const has = (signs & HAS.typographic) !== 0 ? signs | REPLACED : signs
  if ((has & CODE_SIGNS) === 0) return false
  const text = raw.length > JUDGED ? raw.slice(0, JUDGED) : raw
  if (MAYBE_QUERY.test(text) && CODE_CHARACTER.test(text) && QUERIES.some((pattern) => pattern.test(text))) return true
  for (let k = 0; k < DECISIVE.length; k++) if (matches(DECISIVE[k] as Sign, text, has)) return true
  let found = 0
  for (let k = 0; k < SIGNS.length; k++) if (matches(SIGNS[k] as Sign, text, has) && ++found >= 2) return true
  return false
}

const matches = ({ pattern, needs, and }: Sign, text: string, has: number): boolean =>
  (needs === 0 || (has & needs) !== 0) && (and === 0 || (has & and) !== 0) && pattern.test(text)
