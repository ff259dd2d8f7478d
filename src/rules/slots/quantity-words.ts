// Words around counts.

/** "a pair of jeans" is one thing; "a pair of tickets" two. */
export const PAIRED = new Set(
  (
    'jeans shoes boots headphones glasses sneakers trousers shorts sunglasses earbuds gloves socks skis trainers pants heels sandals ' +
    'slippers crocs loafers leggings tights scissors pliers binoculars goggles tweezers clippers cans buds airpods earphones earrings ' +
    'cufflinks scales joggers chinos overalls dungarees pyjamas pajamas crutches flippers fins rollerblades skates clogs flats wellies ' +
    'zapatillas zapatos botas gafas tenis pantalones guantes calcetines auriculares óculos sapatos calças luvas meias fones ' +
    'кроссовок кроссовки ботинок ботинки туфель туфли сапог сапоги очков брюк джинсов джинсы перчаток носков наушников лыж коньков кед кеды ' +
    'speakers speaker hands monitors altavoces parlantes bafles manos caixas mãos колонок колонки рук ' +
    'giày dép tất vớ bông loa'
  ).split(' '),
)
export const SETS = new Set(
  (
    'tube tubes roll tray carton sheet set sets lot lots pack packs stack bundle box boxes bag bags collection batch crate case pile load job bulk haul ' +
    'lote juego caja cajas bolsa colección conjunto kit combo coleção caixa sacola pacote fardo jogo ' +
    'комплект набор коллекция коллекцию партия партию упаковка коробка пачка lô bộ cụm gói thùng'
  ).split(' '),
)
export const OF = new Set(['of', 'de', 'из', 'с', 'em', 'com', 'con'])
/** Words after which a number counts what follows: "need 3 floor seats", "còn 2 …", "нужно 5 …". */
export const LEADS = new Set(
  (
    'more on theres got have has need needs needed want wants sell selling buy buying after seeking iso lf wtb wts fs spare extra pulled these all my our ' +
    'swap trade trading swapping exchange giving offering offer take get grab left about around roughly some your mine yours for another ' +
    'vendo tengo busco compro necesito cambio permuto regalo quiero mis unos unas sobran tenemos vendemos buscamos los las por doy quedan sobraram ' +
    'tenho procuro preciso troco doo passo quero meus minhas uns umas sobrando sobrou desapego temos vendem quedan restam os as dou ' +
    'продам продаю куплю ищу нужно нужны есть отдам меняю осталось остались возьму имею около примерно мои ещё нужен требуется требуются ' +
    'bán cần mua tìm dư còn có tặng đổi pass nhượng thừa muốn lấy kiếm tuyển thuê khoảng tầm để'
  ).split(' '),
)
/** What stands behind a number that counts nothing: "looking 4 a desk", "2 in 1", "4 or 5". */
export const NOT_COUNTED = new Set(
  (
    'a an my your ur the in on or and to at for by of from per each left_over off if is it so as with e y o u ou no na em en de con com por ' +
    'и или в на за по с к у до ở tại và hoặc cho với còn weeks times bedroom bedrooms bed beds bath person people seater drawer door ' +
    'story storey gen generation star stars speed way piece letter stack digit char wks wk mths mth yrs yr yo wheeler now ' +
    'раза раз veces vezes clases lần buổi'
  ).split(' '),
)
/** What a thing or an account has so many of: rooms, strings, levels. */
export const FEATURES = new Set(
  (
    'bhk br bd ba pn skin skins champs tướng champion champions baixos cuerdas cordas marchas portas puertas velocidades gears lầu trệt tuổi lớp ngủ ' +
    'ambientes ambiente dormitorio dormitorios dormitório dormitórios quarto quartos cuarto cuartos recámara recámaras suíte suítes phòng ' +
    'shelves drawers pockets keys teclas клавиш полок десяток према уровней voice stage'
  ).split(' '),
)
/** What things of many kinds are counted by. */
export const COUNT_NOUNS = new Set(
  (
    'head heads odd pups sheets pots jars sacks trays cartons sht shtuk ' +
    'cabezas repes repetidas sacos costales cartones tarros frascos ejemplares juntas juntos tomos matas ' +
    'cabeças edições figurinhas mudas potes cartelas bandejas volumes frangas cabritos ' +
    'голов банки банок банку стаканов стакана стаканчиков вёдер ведер ведра тюков тюка томов тома горшков горшка саженцев саженца ' +
    'досок бутылки флаконов тарелок кирпичей десятков карточек ' +
    'trái quả lá củ bông ổ tập con bé bịch lon vé cái chiếc cuốn quyển'
  ).split(' '),
)
/** "Quantity: 6". */
export const LABELS = new Set(
  'quantity qty cantidad cant quantidade qtd qtde количество кол-во колво lượng sl stock estoque'.split(' '),
)
export const TIMES_OF = new Set(['week', 'weekly', 'per', 'a', 'daily', 'month', 'por', 'no', 'sem', 'na', 'nas', 'sin'])
export const INSTALMENT = new Set(['em', 'en', 'ou', 'o', 'até', 'ate', 'in', 'a', 'used', 'usado', 'usada', 'worn', 'hasta'])
/** "thứ 7", "size 4", "quận 2": the word before is called by its number. */
export const NUMBERED = new Set(
  'thứ số tầng lầu size talla talle tamanho tam размер этаж gen floor level lvl grade class lớp tháng mùng no. version v page year yr yrs yr. year week wk semana tuần неделя año ano класс класса part parte часть tập mùa season episode ep row fila hàng ряд'.split(
    ' ',
  ),
)

export const WITH = new Set(
  'with w includes including incl inc kèm com con con. acompanha inclui incluye incluyendo trae с'.split(' '),
)

/** Least orders and first prices: "from 10 pieces". */
export const FROM = new Set(['from', 'min', 'minimum', 'от', 'desde', 'từ', 'mínimo'])
export const PEOPLE = new Set(
  (
    'people ppl pax guests guest persons ladies gents adults kids children bundas friends doctors students us ' +
    'personas comensales invitados adultos niños amigos estudiantes pessoas convidados crianças estudantes ' +
    'человек людей гостей персон взрослых детей студентов người khách bạn sinh'
  ).split(' '),
)
export const FOR_WHOM = new Set('for of feeds serves seats to para pra de на для cho phục'.split(' '))
