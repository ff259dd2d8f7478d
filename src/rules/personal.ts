/** Signs by which people can be reached or found, in free text. Linear: every repetition is bounded, or begins in one place only. */
const EMAIL = /(?<![\p{L}\p{N}_.+-])[\p{L}\p{N}_.+-]+@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,6}/gu
const LINK = /(?:https?:\/\/|www\.|t\.me\/|wa\.me\/|discord\.gg\/)[^\s<>]{1,2048}/giu
const MENTION = /<(?:@[!&]?|#|a?:\w{1,40}:)\d{1,24}>/gu
const HANDLE = /(?<![\p{L}\p{N}_@])@[\p{L}_][\p{L}\p{N}_.]{1,40}/gu
/** Seven digits and more, in groups as people write them. */
const PHONE = /(?<![\p{L}\p{N}])\+?\d(?:[ ().-]{0,2}\d){6,17}(?![\p{L}\p{N}])/gu
/** Amounts such as `2 450 000 ₫` look like phone numbers; groups of three after a short one do not count as one. */
const GROUPED = /^\d{1,3}(?:([ .,])\d{3})(?:\1\d{3})*(?:[.,]\d{1,2})?$/u

export type PersonalKind = 'email' | 'link' | 'mention' | 'phone'

/** Replaces mentions, links, e-mail addresses, phone numbers and long ids. */
export function replacePersonal(text: string, placeholder: (kind: PersonalKind) => string): string {
  const signs = signsIn(text)
  let out = text
  if ((signs & ANGLE) !== 0) out = out.replace(MENTION, () => placeholder('mention'))
  if ((signs & LINKING) !== 0) out = out.replace(LINK, () => placeholder('link'))
  if ((signs & AT) !== 0) out = out.replace(EMAIL, () => placeholder('email')).replace(HANDLE, () => placeholder('mention'))
  if ((signs & DIGITS) !== 0) out = out.replace(PHONE, (found) => (isAmount(found) ? found : placeholder('phone')))
  return out
}

const ANGLE = 1
const LINKING = 2
const AT = 4
const DIGITS = 8
/** Fewer digits are no phone number. */
const LEAST_DIGITS = 7

/** Signs without which the patterns find nothing: most texts have none of them. */
function signsIn(text: string): number {
  let signs = 0
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x3c) signs |= ANGLE
    else if (code === 0x40) signs |= AT
    else if (code === 0x2f || code === 0x2e) signs |= LINKING
    else if (code >= 0x30 && code <= 0x39) digits++
  }
  return digits >= LEAST_DIGITS ? signs | DIGITS : signs
}

/** Digits that are rather an amount: groups of three, or seven and eight bare digits without a leading zero. */
function isAmount(digits: string): boolean {
  return GROUPED.test(digits) || /^[1-9]\d{6,7}$/u.test(digits)
}
