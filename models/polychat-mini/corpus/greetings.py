"""Greetings, thanks, who the model is, and the questions it can answer in Chinese."""

import random

from corpus.words import Phrasings, Split, choose, listed, noisy, phrasings

HELLO = "Hello! How can I help you?"
IDENTITY = "I am Mini, the tiny demo model that ships with polychat."
SKILLS = "I can answer questions about polychat, repeat text, call tools and tell a short story."
FINE = "I am fine, thank you. How can I help you?"
WELCOME = "You are welcome!"
GOODBYE = "Goodbye! Have a nice day."
READY = "Yes, I am here. How can I help you?"

GREETINGS: dict[str, Phrasings] = {
    HELLO: phrasings(
        "hello|hi|hey|hello there|hi there|good morning|good evening|good afternoon|hey there|greetings|hi!"
        "|hello!|howdy"
        "|yo|hello, friend|hi again|hello world|hello mini|hi mini|hello bot|hi, nice to meet you"
        "|hello, can you help me?"
        "|hi everyone|good morning!|hey!!|hello??|helo|hallo|hi :)|hello again|hello, assistant"
        "|hi, i have a question"
        "|can i ask you something?|i have a question|i need help|hello!!|hi hi|hello hello"
        "|dear assistant, hello|heya",
        "Hello hello, Mini|Well hello|hiya|good day|Hi, good morning|Greetings, Mini|hi bot"
        "|Hello my friend|hey, good evening|A very good morning to you",
    ),
    FINE: phrasings(
        "how are you?|how are you doing?|how is it going?|how are things?|how do you do?|hello, how are you?"
        "|what's up?"
        "|hi, how are you today?|are you ok?|how's it going?|how have you been?|how are you feeling?"
        "|hi! how are you?"
        "|hello! how are you doing?|good morning, how are you?|how is your day?|how are you my friend?"
        "|hey how are you"
        "|hi there, how are you?|hey there! how are you doing?|hello there, how is it going?|sup"
        "|are you well?|hru",
        "how are you today?|So how are you these days?|how are you doing today?"
        "|Hi Mini, how are you doing?|Hello, how is it going?|How do you feel today?",
    ),
    WELCOME: phrasings(
        "thanks|thank you|thank you very much|thanks a lot|many thanks|great, thanks|ok thanks|thx"
        "|thanks for your help"
        "|cool, thank you|perfect, thanks|thank you mini|ty|thanks a bunch|nice, thanks|awesome, thank you"
        "|thank u"
        "|great|good job|well done|perfect|that helped|nice|cool|ok, great|that was helpful"
        "|thanks, that works|good bot"
        "|i appreciate it|got it, thanks|thanks man|that is great, thank you|wonderful|excellent"
        "|amazing, thanks",
        "thank you so much|thanks so much|ok, thank you|thanks for the help|Many thanks, Mini"
        "|great, thank you|Cheers, thanks|Thank you for your help",
    ),
    GOODBYE: phrasings(
        "bye|goodbye|see you|see you later|bye bye|good night|i have to go|that is all, bye"
        "|talk to you later|farewell"
        "|ok bye|see ya|thanks, bye|bye mini|good bye|until next time|cya|i am leaving|have a nice day"
        "|take care|bye for now"
        "|that's all, goodbye|ok, goodbye for now|see you tomorrow",
        "Bye then|see you soon|goodbye then|ok, goodbye|Bye bye, Mini|I have to leave, bye",
    ),
    IDENTITY: phrasings(
        "who are you?|what are you?|what is your name?|tell me who you are|introduce yourself"
        "|what model are you?"
        "|which model is this?|are you chatgpt?|are you a human?|are you a robot?|who am i talking to?"
        "|what's your name?"
        "|your name?|who made you?|please introduce yourself|what kind of model are you?|hello, who are you?"
        "|are you an ai?"
        "|do you have a name?|hi, what is your name?|are you gpt-4?|are you claude?|are you llama?"
        "|which llm are you?"
        "|what llm is this?|who created you?|who built you?|who trained you?|tell me about yourself|who r u"
        "|are you real?"
        "|what should i call you?|can you introduce yourself?|are you a bot?|what model am i talking to?"
        "|who is mini?"
        "|are you a person?|describe yourself|what is mini?|name?|who is speaking?|which model are you?"
        "|are you mini?"
        "|what are you called?|how are you called?|say who you are|i want to know who you are"
        "|where do you come from?"
        "|are you alive?|what version are you?|is this chatgpt?|and you, who are you?"
        "|what's the name of this model?"
        "|could you introduce yourself?|may i ask your name?|could you tell me your name?"
        "|who exactly are you?",
        "who is this?|hi, who are you?|tell me your name|what model is this?|may i know who you are?"
        "|Who are you exactly?|Are you a real person?|Please tell me who you are|Hey, who is this?"
        "|what do they call you?",
    ),
    SKILLS: phrasings(
        "what can you do?|what are you able to do?|how can you help me?|help|what are your skills?"
        "|can you help me?"
        "|what are you good for?|list your abilities|what do you know?|what can i ask you?"
        "|what can i do with you?"
        "|what are your features?|how do you help?|tell me what you can do|show me what you can do"
        "|what is your purpose?"
        "|what are your capabilities?|what can this model do?|what kind of things can you do?|what do you do?"
        "|which questions can you answer?|what topics do you know?|what can you answer?"
        "|what questions can i ask?"
        "|what can you help me with?|what else can you do?",
        "what can you do for me?|what are your abilities?|can you help?|What are you capable of?"
        "|which things can you do?"
        "|What can you help with?",
    ),
    READY: phrasings(
        "are you there?|ping|test|testing|is anyone there?|hello, are you there?|are you online?"
        "|are you working?|do you work?"
        "|can you hear me?|are you awake?|is this working?|does this work?|testing 123|are you ready?"
        "|anybody home?|test 1 2",
        "Hello, are you still there?|Is anybody there?|Testing, testing|Hello, is this working?"
        "|are you online now?|Can you read this?",
    ),
}

HELLO_ZH = "你好！有什么可以帮你？"
IDENTITY_ZH = "我是 Mini，polychat 自带的演示小模型。"
WELCOME_ZH = "不客气！"
GOODBYE_ZH = "再见！"
START_ZH = "运行 `polychat up` 即可启动。"
PORTS_ZH = "API 端口 8000，网页 7860，控制器 21001，worker 从 21002 起。"
WHAT_ZH = "polychat 把一台或多台机器变成一个多模型服务。"
MODEL_ZH = "运行 `polychat up MODEL`。MODEL 是 GGUF 文件、文件夹或 hub 名称。"
UNKNOWN_ZH = "我只是一个很小的演示模型，不知道这个。可以问我关于 polychat 的问题。"

CHINESE: dict[str, Phrasings] = {
    HELLO_ZH: phrasings(
        "你好|您好|嗨|早上好|你好！|晚上好|大家好|你好啊|您好！|下午好|哈喽|在吗|你好，在吗？|喂|嘿|你好呀"
        "|早安|早|hi 你好|你好 Mini",
        "你好你好|您好，请问在吗？|嗨，你好|你好，早上好|你好吗|你好，Mini",
    ),
    WELCOME_ZH: phrasings(
        "谢谢|谢谢你|多谢|非常感谢|谢谢！|感谢|太感谢了|好的，谢谢|谢了|谢谢你的帮助|太好了，谢谢|多谢！"
        "|感谢你",
        "好的谢谢你|谢谢您|真的谢谢你|十分感谢",
    ),
    GOODBYE_ZH: phrasings(
        "再见|拜拜|下次见|再见！|晚安|回头见|我走了|明天见|好的，再见|拜|下次再聊",
        "那么再见了|拜拜了|那再见|晚安，再见",
    ),
    IDENTITY_ZH: phrasings(
        "你是谁|你是谁？|你叫什么名字？|你是什么模型？|请介绍一下你自己|介绍一下自己|你叫什么名字|你是什么"
        "|你是机器人吗？|你是人吗？"
        "|你是 ChatGPT 吗？|你好，你是谁？|自我介绍一下|告诉我你是谁|你的名字是什么？|谁创造了你？"
        "|你是什么模型|这是什么模型？|你是ai吗"
        "|请做个自我介绍|你能介绍一下自己吗？|请问你叫什么名字？|你到底是谁|你是哪个模型？|你是 GPT 吗",
        "你叫什么？|请问你是谁？|你究竟是谁？|请介绍自己|您是谁？|你是什么样的模型？",
    ),
    START_ZH: phrasings(
        "怎么启动？|如何启动 polychat？|怎么运行 polychat？|如何启动|怎么开始使用？|怎么启动 polychat"
        "|如何使用 polychat？|启动命令是什么？"
        "|怎么启动服务？|如何启动服务器？|怎么用？|怎样启动 polychat？|怎么开始？|如何运行"
        "|用什么命令启动？|请问怎么启动？|怎样运行 polychat"
        "|我想启动 polychat|怎么打开 polychat？|polychat 怎么用？|启动 polychat|如何开始",
        "polychat 怎么启动？|请问怎样运行 polychat？|怎样启动？|请问如何启动 polychat？|怎么运行？"
        "|怎么把 polychat 启动起来？",
    ),
    PORTS_ZH: phrasings(
        "端口是什么？|用什么端口？|polychat 用哪些端口？|默认端口是多少？|端口号是多少？|端口|有哪些端口？"
        "|api 端口是多少？|端口是多少"
        "|需要打开哪些端口？|哪个端口？|网页端口是多少？|控制器端口是多少？|列出端口|用的是什么端口"
        "|worker 的端口是多少？|所有端口",
        "polychat 的端口是多少？|默认端口有哪些？|使用哪些端口？|请告诉我端口|端口号？|它用哪个端口？",
    ),
    WHAT_ZH: phrasings(
        "什么是 polychat？|polychat 是什么？|介绍一下 polychat|polychat 是干什么的？|polychat 有什么用？"
        "|什么是polychat|这是什么项目？"
        "|polychat是什么|请介绍 polychat|请解释 polychat|polychat 能做什么？|解释一下 polychat"
        "|polychat 做什么",
        "请问 polychat 是什么？|请介绍一下 polychat|polychat 是什么东西？|什么叫 polychat？",
    ),
    MODEL_ZH: phrasings(
        "怎么添加模型？|如何添加模型？|怎么换模型？|如何加载模型？|怎么用自己的模型？|怎么使用其他模型？"
        "|怎样添加一个模型？|如何更换模型"
        "|我想添加模型|添加模型|怎么加载自己的模型|可以换模型吗？|如何使用自己的模型？|怎么部署模型？"
        "|怎么加模型|如何增加模型？|换模型",
        "如何添加一个新模型？|请问怎么添加模型？|怎么加载其他模型？|怎样加载模型？|能用别的模型吗？"
        "|怎么添加新的模型？",
    ),
    UNKNOWN_ZH: phrasings(
        "写一首诗|今天天气怎么样？|给我讲个笑话|中国的首都是哪里？|帮我写代码|一加一等于几？|你喜欢什么？"
        "|翻译这句话|推荐一本书"
        "|谁是美国总统？|怎么做红烧肉？|地球有多大？|什么是人工智能？|写一篇关于春天的文章|我今天很难过"
        "|什么是量子力学？|帮我写一封邮件"
        "|如何学习英语？|最近有什么电影？|讲讲三国的历史|太阳有多远？|怎么减肥？|股票会涨吗？|帮我做数学题"
        "|长城有多长？|现在几点了？"
        "|我饿了|写一个排序算法|李白是谁？|什么是区块链？|推荐一家餐厅|怎么安装 docker？"
        "|北京有什么好玩的？|猫为什么喜欢睡觉？|你会唱歌吗"
        "|为什么天空是蓝色的？|请总结这段文字|怎么学习编程？|世界上最高的山是哪座？|鲁迅写过什么？"
        "|什么是数据库？|我想去日本旅游",
        "写一首关于大海的诗|明天会下雨吗？|法国的首都是哪里？|什么是机器学习？|推荐一部电影|二加三等于几？"
        "|月亮有多远？|怎么做蛋糕？"
        "|给我写一个故事大纲|什么是黑洞？|谁发明了电话？|请帮我翻译",
    ),
}

SMALL_TOPICS = listed(
    "量子,音乐,足球,历史,春天,猫,狗,电脑,手机,咖啡,长江,汽车,飞机,宇宙,爱情,数学,化学,经济,法律,健康,游戏",
    ",",
)
SMALL_FRAMES = listed(
    "什么是{}？|请介绍{}|写一篇关于{}的文章|你喜欢{}吗？|{}有什么用？|怎么学习{}？|告诉我{}的故事"
    "|{}是谁发明的？|为什么{}很重要？|解释{}",
    "|",
)


def greeting(rng: random.Random, split: Split) -> tuple[str, str]:
    """An English or (one in three) Chinese question of the closed set and its one answer."""
    if rng.random() < 0.34:
        return chinese(rng, split)
    answer = rng.choice(list(GREETINGS) + [IDENTITY] * 2)
    return noisy(rng, choose(rng, GREETINGS[answer], split), split), answer


def chinese(rng: random.Random, split: Split) -> tuple[str, str]:
    answer = rng.choice([*CHINESE, IDENTITY_ZH, UNKNOWN_ZH])
    if answer == UNKNOWN_ZH and split == "train" and rng.random() < 0.5:
        return rng.choice(SMALL_FRAMES).format(rng.choice(SMALL_TOPICS)), answer
    question = choose(rng, CHINESE[answer], split)
    if split == "train" and rng.random() < 0.3:
        question = question.rstrip("？！。?")
    return question, answer
