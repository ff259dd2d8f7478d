// What number words and the names of notes are worth.

/** Words of the five languages by their value; composed by adding below 100 and multiplying from 100 on. */
const BY_VALUE: readonly (readonly [value: number, words: string])[] = [
  [1, 'one một'],
  [1.5, 'полторы полтора полутора полуторами'],
  [2, 'two dos dois duas два две двух hai двумя'],
  [3, 'three tres три трёх трех ba тремя'],
  [4, 'four cuatro quatro четыре четырёх четырех bốn четырьмя'],
  [5, 'five cinco пять пяти năm пятью'],
  [6, 'six seis шесть шести sáu шестью'],
  [7, 'seven siete sete семь семи bảy'],
  [8, 'eight ocho oito восемь восьми tám восемью'],
  [9, 'nine nueve nove девять девяти chín девятью'],
  [10, 'ten diez dez десять десяти mười десятью'],
  [11, 'eleven once onze одиннадцать'],
  [12, 'twelve doce doze двенадцать двенадцати'],
  [13, 'thirteen trece treze тринадцать'],
  [14, 'fourteen catorce quatorze четырнадцать'],
  [15, 'fifteen quince quinze пятнадцать пятнадцати пятнадцатью'],
  [16, 'sixteen dieciséis dezesseis dezasseis шестнадцать dieciseis'],
  [17, 'seventeen diecisiete dezessete dezassete семнадцать'],
  [18, 'eighteen dieciocho dezoito восемнадцать'],
  [19, 'nineteen diecinueve dezenove dezanove девятнадцать'],
  [20, 'twenty veinte vinte двадцать двадцати двадцатью'],
  [21, 'veintiuno'],
  [22, 'veintidós veintidos'],
  [23, 'veintitrés veintitres'],
  [24, 'veinticuatro'],
  [25, 'veinticinco'],
  [26, 'veintiséis veintiseis'],
  [27, 'veintisiete'],
  [28, 'veintiocho'],
  [29, 'veintinueve'],
  [30, 'thirty treinta trinta тридцать тридцати'],
  [40, 'forty fourty cuarenta quarenta сорок сорока'],
  [50, 'fifty cincuenta cinquenta пятьдесят пятидесяти пятьюдесятью fiddy'],
  [60, 'sixty sesenta sessenta шестьдесят шестидесяти'],
  [70, 'seventy setenta семьдесят семидесяти'],
  [80, 'eighty ochenta oitenta восемьдесят восьмидесяти'],
  [90, 'ninety noventa девяносто'],
  [100, 'hundred cien ciento cem cento сто сотня сотню сотни сотен ста trăm сотней сотнями'],
  [200, 'doscientos doscientas duzentas duzentos двести двухсот двумястами'],
  [300, 'trescientos trescientas trezentas trezentos триста трёхсот трехсот тремястами'],
  [400, 'cuatrocientos cuatrocientas quatrocentas quatrocentos четыреста четырёхсот четырехсот'],
  [500, 'quinientos quinientas quinhentas quinhentos пятьсот пятисот пятьюстами'],
  [600, 'seiscientos seiscientas seiscentas seiscentos шестьсот шестисот'],
  [700, 'setecientos setecientas setecentas setecentos семьсот семисот'],
  [800, 'ochocientos ochocientas oitocentas oitocentos восемьсот восьмисот'],
  [900, 'novecientos novecientas novecentas novecentos девятьсот девятисот'],
  [
    1000,
    'thousand grand mil тысяча тысячи тысяч тыщ тыща тыщи тыщу тысячу тысячей косарь косаря косарей nghìn ngàn тысячами тыщей тыщами косарём косарем косарями',
  ],
  [1e6, 'triệu'],
]
/** "a hundred and twenty'll do": English writes its "will" to the number; tokens have no apostrophe. */
const WILLING = 'ten twelve fifteen twenty thirty forty fifty fiddy sixty seventy eighty ninety hundred grand'.split(' ')
const WILL = 'll'

const worth = (words: readonly (readonly [value: number, words: string])[]): Map<string, number> => {
  const all = new Map<string, number>()
  for (const [value, row] of words) for (const word of row.split(' ')) all.set(word, value)
  for (const word of WILLING) {
    const value = all.get(word)
    if (value !== undefined) all.set(`${word}${WILL}`, value)
  }
  return all
}

export const NUMBER_WORDS: ReadonlyMap<string, number> = worth(BY_VALUE)

/** "sixty'll get it": such a word, and a verb of what the amount does. */
export const willDo = (word: string, next: string): boolean => word.endsWith(WILL) && DOES.has(next) && NUMBER_WORDS.has(word)
const DOES = new Set(['do', 'get', 'take', 'buy', 'secure', 'have', 'see', 'make', 'cover', 'clear'])

/** Names of notes: money by themselves. */
export const NOTES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    tenner: '10',
    fiver: '5',
    hundo: '100',
    пятихатка: '500',
    пятихатку: '500',
    пятихат: '500',
    чирик: '10',
    полтос: '50',
    стольника: '100',
    полтинник: '50',
    стольник: '100',
    штуку: '1000',
    сотка: '100',
    сотку: '100',
    // Portuguese makes prices small: "setentinha por peça".
    cinquinho: '5',
    dezinho: '10',
    quinzinho: '15',
    vintinho: '20',
    trintinha: '30',
    quarentinha: '40',
    cinquentinha: '50',
    cinquentão: '50',
    sessentinha: '60',
    setentinha: '70',
    oitentinha: '80',
    noventinha: '90',
    cenzinho: '100',
    cemzinho: '100',
    duzentinho: '200',
    duzentinhos: '200',
    trezentinho: '300',
    quinhentinho: '500',
    quinhentinhos: '500',
    milzinho: '1000',
    // Half of a size in one word.
    полмиллиона: '500000',
    полляма: '500000',
    полмильона: '500000',
    полтысячи: '500',
    полтыщи: '500',
    полкосаря: '500',
    полсотни: '50',
  }),
)
