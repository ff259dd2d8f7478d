import { describe, expect, it } from 'vitest'
import { readMessage } from '../../../src/rules/reading/index.ts'
import { shippedLexicon } from '../support/lexicon.ts'

/** A Monday. */
const SENT = Date.UTC(2026, 10, 23, 4)
const deadline = (text: string) => readMessage({ id: 'd', text, sent_at: SENT }, { lexicon: shippedLexicon() }).slots.deadline
const day = (at: number | null | undefined): string | undefined =>
  at == null ? undefined : new Date(at).toISOString().slice(0, 10)

describe('days and hours', () => {
  it.each([
    ['selling a couch, must be gone by sunday, 40 eur', '2026-11-29'],
    ['need a ride to the airport tomorrow 5am, will pay 30', '2026-11-24'],
    ['WTB 2 tickets for Feb 8, paying 95 each', '2027-02-08'],
    ['looking for a plumber today, 50 quid', '2026-11-23'],
    ['need a logo in 3 days, budget 40 usd', '2026-11-26'],
    ['need a babysitter next week, 12 an hour', '2026-11-30'],
    ['looking for a van by 12/04, 300 max', '2026-12-04'],
    ['busco fontanero para mañana, pago 40 €', '2026-11-24'],
    ['necesito canguro el viernes, 20€', '2026-11-27'],
    ['preciso de diarista pra sexta, pago 150 reais', '2026-11-27'],
    ['нужны грузчики в субботу, плачу 2000 руб', '2026-11-28'],
    ['куплю билет на 28 декабря, до 5000 руб', '2026-12-28'],
    ['cần thợ sửa máy lạnh hôm nay, trả 300k', '2026-11-23'],
    ['cần người chuyển nhà chủ nhật này, trả 500k', '2026-11-29'],
  ])('%s', (text, expected) => {
    expect(day(deadline(text)?.at)).toBe(expected)
  })

  it.each([
    'looking for a bike, 700 to 800 euros',
    'WTB monitor 5 to 10 bucks',
    'куплю ноут от 300 до 800 евро',
    'busco bici de 7 a 8 euros',
    'procuro sofá de 150 a 200 euros',
    'looking 4 a mini fridge, 30 eur',
    'WTS 2 m cable 10€',
    'selling jam, £4 a jar',
    'need a 3d modeler, 40 usd',
    'WTB 1/2 inch drill, 20 eur',
    'selling 5 ps4 games, 3/5 boxed, 40 eur',
    'MacBook Air M2 midnight for sale, 700 eur',
    'I can fix your bike, 20 eur an hour',
    'selling my second hand sewing machine for 30 eur',
    'sat nav for sale, 30 quid',
    'car seat, was 480, now 400 eur',
    'room to rent, 110 pm per head',
    'продаю коляску 2 в 1, 12 000 руб',
    'репетитор, 800 руб/час',
    'procuro carrinho de bebé em segunda mão, 40 euros',
    'busco limpiadora por la mañana, 10 € la hora',
    'bán mai vàng 6 năm tuổi, 700k',
  ])('no day: %s', (text) => {
    expect(deadline(text)?.at ?? null).toBeNull()
  })
})
