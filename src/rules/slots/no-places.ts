/** Capitalised words that stand by themselves without naming a place: days, languages, tools, colours, what people say around an offer. */
export const NO_PLACE: ReadonlySet<string> = new Set(
  (
    'monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun ' +
    'english spanish french german italian portuguese russian vietnamese chinese mandarin cantonese japanese ' +
    'korean arabic hindi indian north south turkish polish dutch greek swedish ukrainian latin american ' +
    'british european asian mexican canadian australian node react python java javascript typescript rust ' +
    'golang django flutter swift kotlin unity unreal blender figma photoshop excel wordpress shopify sql ' +
    'docker aws linux windows android thanks thank cheers ta please regards sincerely hello hi hey hiya ' +
    'morning evening afternoon yes no okay ok sorry bye peace enjoy christmas xmas easter halloween black ' +
    'white red blue green grey gray brown pink purple silver gold beige navy orange yellow cream small medium ' +
    'large xl mum mom dad mr mrs ms dr god lord amazon ebay facebook gumtree craigslist vinted depop instagram ' +
    'whatsapp telegram discord signal paypal venmo zelle revolut wise cashapp google apple microsoft sony ' +
    'samsung math maths physics chemistry biology history science music art edit update note ps nb faq info ' +
    'details photos pics pictures timestamps timestamp imgur negotiable firm cash offers serious comes ' +
    'includes included selling buying wanted available perfect excellent great good fully never barely works ' +
    'working genuine original authentic collect deliver delivery free price only first last ready ideal suits ' +
    'fits ' +
    'lunes martes miércoles jueves viernes sábado domingo gracias saludos hola buenas español inglés francés ' +
    'alemán italiano portugués ruso chino negro blanco rojo azul verde gris interesados interesado precio ' +
    'envío funciona perfecto nuevo urge urgente abstenerse razón motivo regalo bizum wallapop vinted whatsapp ' +
    'segunda terça quarta quinta sexta sábado domingo obrigado obrigada valeu abraço abs oi olá bom boa inglês ' +
    'espanhol francês alemão preto branco vermelho azul verde cinza interessados interessado preço frete ' +
    'funciona funcionando perfeito novo urgente motivo pix olx enjoei aceito entrego chama whats zap ' +
    'понедельник вторник среда четверг пятница суббота воскресенье спасибо привет здравствуйте добрый пишите ' +
    'звоните торг цена состояние новый новая новое новые фото доставка почта почтой сдэк авито озон телеграм ' +
    'вотсап срочно звонить писать всем английский немецкий французский китайский русский чёрный черный белый ' +
    'красный синий зелёный серый один без есть могу размер комплект вопросы подробности обмен бартер куплю ' +
    'продам отдам ' +
    'anh việt nhật trung hàn pháp đức nga thái tiếng thứ chủ cảm ơn cám thanks ib inbox zalo liên hệ giá máy ' +
    'hàng xe nhà em mình bác ae ai còn full fullbox bảo hành ship cod fix pin zin màu đen trắng đỏ xanh vàng ' +
    'xám bạc size lỗi chính hãng mỹ phẩm bao test '
  ).split(' '),
)
