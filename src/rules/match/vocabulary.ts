import { stem, wordsOf } from './terms.ts'

/** Words that mean the same to a search, and words that stand for a wider one. */
export interface Vocabulary {
  /** The form all synonyms share. */
  canonical(word: string): string
  /** The wider noun a series or kind belongs to: `thinkpad` is a `laptop`. */
  broader(word: string): string | undefined
  /** Says nothing about what is wanted. */
  isStopWord(word: string): boolean
}

/** Nouns of the five languages by meaning: synonyms, then series and kinds of it. Single words only. */
const NOUNS: readonly (readonly [canonical: string, synonyms: string, kinds: string])[] = [
  [
    'laptop',
    'notebook ноутбук ноут бук portatil лэптоп',
    'thinkpad macbook chromebook ultrabook latitude zenbook vivobook ideapad xps surface',
  ],
  ['phone', 'smartphone телефон смартфон movil celular cellphone mobile', 'iphone айфон pixel galaxy redmi xiaomi oneplus'],
  ['tablet', 'планшет tableta', 'ipad'],
  ['gpu', 'видеокарта видюха graphics', 'rtx gtx radeon geforce'],
  ['cpu', 'procesador processador процессор processor', 'ryzen threadripper xeon'],
  ['monitor', 'монитор ecra pantalla', 'ultrasharp'],
  ['keyboard', 'teclado клавиатура', 'keychron'],
  ['headphone', 'наушники auriculares cascos earbud fone headset', 'airpod'],
  ['console', 'приставка consola', 'playstation ps5 ps4 xbox nintendo switch'],
  ['bike', 'bicycle велосипед велик bicicleta bici bicicleta', 'brompton'],
  ['car', 'auto automovil coche carro машина авто автомобиль', 'corolla civic golf'],
  ['scooter', 'самокат patinete', ''],
  ['flat', 'apartment квартира piso apartamento departamento condo', 'studio'],
  ['room', 'комната habitacion quarto', ''],
  ['ticket', 'билет entrada ingresso boleto', ''],
  ['book', 'книга libro livro', 'textbook manga'],
  ['guitar', 'гитара guitarra violao', 'stratocaster telecaster'],
  ['camera', 'камера фотоаппарат camara', 'gopro'],
  ['sofa', 'диван couch', ''],
  ['desk', 'стол escritorio mesa', ''],
  ['chair', 'кресло стул silla cadeira', ''],
]

/** Words of searches and listings that carry no meaning of their own. */
const STOP = new Set(
  wordsOf(
    'a an the and or of in on at to for from with without by is are be i im my me you your we it this that any some all new used like very ' +
      'wts wtb wtt selling sell buy buying looking want wanted need needed sale offer asking price shipped shipping firm obo ono dm pm please under over up max min ' +
      'el la los las un una de del en y o con para por vendo compro busco precio se um uma do da no na e com preco procuro ' +
      'и в на с по за из для от до или продам продаю куплю ищу нужен нужна цена ' +
      'ban mua can tim gia va cho o tai voi cai con usd eur gbp vnd rub brl',
  ).map(stem),
)

/** Built from noun groups; more groups (a taxonomy's nouns) may be added. */
export function vocabularyOf(
  groups: readonly (readonly [canonical: string, synonyms: string, kinds: string])[] = NOUNS,
): Vocabulary {
  const canonical = new Map<string, string>()
  const broader = new Map<string, string>()
  for (const [name, synonyms, kinds] of groups) {
    const own = stem(name)
    for (const word of wordsOf(synonyms)) canonical.set(stem(word), own)
    for (const word of wordsOf(kinds)) broader.set(stem(word), own)
  }
  return {
    canonical: (word) => canonical.get(word) ?? word,
    broader: (word) => broader.get(word),
    isStopWord: (word) => STOP.has(word),
  }
}

export const DEFAULT_VOCABULARY: Vocabulary = vocabularyOf()
