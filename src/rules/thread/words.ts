/** A listing edited to say it is over: the word alone, as a mark in front, or after `Edit:`. Five languages. */
export const CLOSING =
  /^\s{0,8}(?:[[(*~]{0,4})(?:sold|closed|gone|found|vendid[oa]|продано|закрыто|đã bán|bán rồi|já vendi)(?:[\])*~]{0,4})(?:[\s.!:✅]|$)|\bedit\s?:\s?(?:sold|closed|gone|found|vendid[oa])\b/iu

/** "Still available" as an owner says it. */
export const SAYS_AVAILABLE =
  /\b(?:still (?:available|have|got|for sale)|available|sigue disponible|disponible|ainda (?:tenho|disponível))\b|ещё (?:актуально|продаю|есть)|актуально|còn (?:hàng|nhé|nha)|vẫn còn/iu

/** "Nikon sold", "the desk is gone", "tủ đã bán rồi": in a short message of the owner. */
export const CLOSING_WORD =
  /(?<!\p{L})(?:sold|gone|taken|no longer available|vendid[oa]|no disponible|продан[оаы]?|уже (?:продал[аи]?|нет)|đã bán|bán rồi|đã pass|já vendi)(?!\p{L})/iu
