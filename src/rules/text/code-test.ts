const JUDGED = 400

/** Signs of program text. Every pattern is linear: fixed words, one bounded class run at most. */
const DECISIVE: readonly RegExp[] = [
  /\$\(|\$\{/u,
  /\bselect\b[^\n]{1,120}\bfrom\b[^\n]{1,120}(?:\bwhere\b|;|\border by\b|\bjoin\b|\blimit\b)/iu,
  /\b(?:select \* from|insert into \w|delete from \w+ where|create table|update \w+ set)\b/iu,
  /(?:^|\n)(?:\$|#|>>>) (?:npm|git|sudo|cd|ls|cat|curl|python3?|pip|docker|apt|yarn|node|import|print|echo|make|cargo|ssh)\b/u,
]
const SIGNS: readonly RegExp[] = [
  /\$[A-Za-z_]{2,}/u,
  /;[ \t]*(?:\n|$)/u,
  /=>|&&|\|\||!=|==|::/u,
  /\{[^}\n]{0,40}["'][^"'\n]{1,40}["'][ ]?:/u,
  /\b(?:const|let|var|function|import|export|def|class|return|elif|async|await|public|void|lambda)\b[^\n]{0,60}[({=:]/u,
  /\/[^/\s]{2,60}\/[gimsuy]{1,4}\b|\.(?:match|replace|test|split|map|filter|forEach|append|push|format)\(/u,
  /(?:^|[\n|;&`] ?)(?:curl -|npm i|npm run|git (?:push|pull|commit|clone|checkout|rebase)|awk |sed |grep |sudo |docker (?:run|compose|exec|build)|pip3? install|apt(?:-get)? install|echo \$|chmod |kubectl |cargo (?:build|run|install)|yarn add|ssh \w+@|for \w+ in |python3? \S+\.py)/u,
  /\b[A-Za-z_]\w{0,40}\.[a-z]\w{0,40}\((?:['"\w)]|\{)/u,
  /<\/?(?:div|span|html|body|script|p|a|table|tr|td|ul|li|head|button|img)\b[^>\n]{0,80}>/iu,
  /\b(?:if|while|for) ?\([^\n]{1,80}\) ?\{/u,
  /\bprint(?:f|ln)?\(|console\.log\(|System\.out/u,
  /'\{print|^#!\/|"\$\w|: \d+, *"/u,
  /(?:^|\n)(?:Traceback|Error|Exception|TypeError|SyntaxError|fatal|warning)[:(]/u,
  /\|[ ](?:grep|awk|sed|tr|sort|xargs|jq|head|tail|wc|uniq)\b/u,
]

/** Whether unfenced text is program text (two different signs or one decisive). */
export function looksLikeCode(raw: string): boolean {
  const text = raw.length > JUDGED ? raw.slice(0, JUDGED) : raw
  if (!/[$;=&|{}()<>!:#'/]/u.test(text)) return false
  if (DECISIVE.some((p) => p.test(text))) return true
  let signs = 0
  for (const pattern of SIGNS) if (pattern.test(text) && ++signs >= 2) return true
  return false
}
