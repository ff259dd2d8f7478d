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
  return text
    .replace(MENTION, () => placeholder('mention'))
    .replace(LINK, () => placeholder('link'))
    .replace(EMAIL, () => placeholder('email'))
    .replace(HANDLE, () => placeholder('mention'))
    .replace(PHONE, (found) => (isAmount(found) ? found : placeholder('phone')))
}

/** Digits that are rather an amount: groups of three, or seven and eight bare digits without a leading zero. */
function isAmount(digits: string): boolean {
  return GROUPED.test(digits) || /^[1-9]\d{6,7}$/u.test(digits)
}
