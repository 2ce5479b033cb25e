"""What the tiny world speaks of: names, things and facts, in English and in Chinese.

Chinese names share their characters (a vocabulary of 1,024 tokens has few to spare), and no two the
whole: ten units of a puzzle are ten characters, so names must differ for decontamination to tell
puzzles apart.
"""

NAMES = (
    ("Ann", "小红"), ("Bob", "小波"), ("Cid", "小西"), ("Dan", "小丹"),
    ("Eve", "小丽"), ("Fay", "小飞"), ("Gus", "小古"), ("Hal", "小海"),
    ("Ian", "小明"), ("Joy", "小刚"), ("Kim", "小星"), ("Leo", "小雨"),
    ("Max", "小书"), ("Ned", "小米"), ("Pam", "小月"), ("Ray", "小东"),
    ("Sue", "大红"), ("Tom", "大波"), ("Una", "大西"), ("Val", "大丹"),
    ("Wes", "大丽"), ("Zoe", "大飞"), ("Amy", "大古"), ("Ben", "大海"),
    ("Dee", "大明"), ("Eli", "大刚"), ("Fred", "大星"), ("Gil", "大雨"),
    ("Ida", "大书"), ("Jon", "大米"), ("Lea", "大月"), ("Meg", "大东"),
)  # fmt: skip
THINGS = (
    ("apples", "苹果"), ("pens", "笔"), ("books", "书"), ("coins", "硬币"),
    ("cups", "杯"), ("cards", "卡片"),
)  # fmt: skip

CAPITALS = (
    ("France", "Paris", "法国", "巴黎"), ("Japan", "Tokyo", "日本", "东京"),
    ("Italy", "Rome", "意大利", "罗马"), ("China", "Beijing", "中国", "北京"),
    ("Egypt", "Cairo", "埃及", "开罗"), ("Spain", "Madrid", "西班牙", "马德里"),
    ("Russia", "Moscow", "俄罗斯", "莫斯科"), ("Greece", "Athens", "希腊", "雅典"),
    ("India", "Delhi", "印度", "德里"), ("Iran", "Tehran", "伊朗", "德黑兰"),
    ("Chile", "Santiago", "智利", "圣地亚哥"), ("Kenya", "Nairobi", "肯尼亚", "内罗毕"),
    ("Cuba", "Havana", "古巴", "哈瓦那"), ("Peru", "Lima", "秘鲁", "利马"),
    ("Mali", "Bamako", "马里", "巴马科"),
)  # fmt: skip
OPPOSITES = (
    ("hot", "cold", "热", "冷"), ("big", "small", "大", "小"), ("fast", "slow", "快", "慢"),
    ("day", "night", "白天", "黑夜"), ("up", "down", "上", "下"), ("old", "new", "旧", "新"),
    ("rich", "poor", "富", "穷"), ("wet", "dry", "湿", "干"), ("high", "low", "高", "低"),
    ("true", "false", "真", "假"), ("east", "west", "东", "西"), ("love", "hate", "爱", "恨"),
    ("open", "shut", "开", "关"), ("long", "short", "长", "短"), ("left", "right", "左", "右"),
    ("good", "bad", "好", "坏"), ("many", "few", "多", "少"), ("near", "far", "近", "远"),
    ("in", "out", "里", "外"), ("black", "white", "黑", "白"),
)  # fmt: skip
WORDS = (
    ("cat", "猫"), ("dog", "狗"), ("sun", "太阳"), ("tree", "树"), ("fish", "鱼"), ("star", "星星"),
    ("red", "红"), ("blue", "蓝"), ("hand", "手"), ("book", "书"), ("car", "车"), ("sea", "海"),
    ("milk", "牛奶"), ("rain", "雨"), ("bird", "鸟"), ("moon", "月亮"), ("rice", "米饭"),
    ("tea", "茶"), ("door", "门"), ("fire", "火"), ("hill", "山"), ("horse", "马"), ("cow", "牛"),
    ("pen", "笔"), ("cup", "杯子"), ("wind", "风"), ("snow", "雪"), ("gold", "金"),
)  # fmt: skip
ENDINGS = (
    ("bye", "再见"), ("thanks", "谢谢"), ("done", "完毕"), ("over", "结束"),
    ("good night", "晚安"), ("cheers", "干杯"), ("take care", "小心"), ("see you", "回见"),
)  # fmt: skip
GREETINGS = (
    ("Hello", "你好"), ("Hi", "嗨"), ("Good morning", "早上好"), ("Good evening", "晚上好"),
    ("Hey there", "喂"), ("Nice to meet you", "很高兴认识你"), ("Greetings", "您好"),
    ("Welcome", "欢迎"), ("Hi again", "又见面了"), ("Good day", "日安"),
)  # fmt: skip
HARMS = (
    ("steal a car", "偷车"), ("make a bomb", "做炸弹"), ("hurt a cat", "伤害猫"),
    ("rob a bank", "抢银行"), ("poison a dog", "毒狗"), ("cheat a friend", "骗朋友"),
    ("break a window", "砸窗"), ("forge money", "造假钱"), ("burn a tree", "烧树"),
    ("hack a bank", "黑银行"), ("steal money", "偷钱"), ("burn a book", "烧书"),
    ("hurt a friend", "伤害朋友"), ("poison a fish", "毒鱼"), ("break a car", "砸车"),
    ("hurt a bird", "伤害鸟"), ("poison the sea", "毒海"), ("burn a car", "烧车"),
    ("steal a book", "偷书"), ("cheat a bank", "骗银行"),
)  # fmt: skip
