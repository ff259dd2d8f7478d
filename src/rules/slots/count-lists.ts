// Words that count things, beside the words for numbers.

/** Words that count by themselves. */
export const COUNT_WORDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ pair: 2, par: 2, пара: 2, пару: 2, cặp: 2, đôi: 2, duo: 2, couple: 2, оба: 2, обе: 2, ambas: 2, ambos: 2 },
    ...{ двое: 2, двух: 2, двоих: 2, трое: 3, трёх: 3, троих: 3, четверо: 4, четырёх: 4, пятеро: 5, trio: 3 },
  }),
)
/** Words that count in dozens and tens. */
export const DOZENS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ dozen: 12, dozens: 12, docena: 12, docenas: 12, dúzia: 12, duzia: 12, dúzias: 12, duzias: 12, tá: 12 },
    ...{ дюжина: 12, дюжину: 12, дюжины: 12, дюжин: 12, полдюжины: 6, десяток: 10, десятка: 10, десятков: 10 },
    ...{ полдесятка: 5, chục: 10, decena: 10, decenas: 10, dezena: 10, dezenas: 10 },
  }),
)
export const HALVES = new Set(['half', 'media', 'meia', 'nửa', 'пол'])
