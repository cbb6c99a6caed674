"""More questions about polychat: its commands, its parts and what it is. See `faq_items` for the format."""

from corpus.faq_access import ACCESS
from corpus.faq_items import HOW, ITEMS, WHAT, Item

CONCEPTS: tuple[Item, ...] = (
    Item(
        "chat",
        "Run `polychat chat` in a terminal.",
        HOW,
        "chat in the terminal|chat in a terminal|chat on the command line|use the command line chat"
        "|talk to a model in"
        " the terminal|chat without a browser|chat from the console|open a chat in the terminal"
        "|chat from the shell"
        "|use polychat in the terminal|chat in my shell|talk to the model from the command line"
        "|use the terminal chat",
        "is there a terminal chat?|can i chat in the terminal?|is there a command line chat?"
        "|is there a cli chat?"
        "|which command chats in the terminal?|terminal chat?|what is the chat command?|cli chat?"
        "|command line chat?"
        "|can i talk to a model without a browser?|what does polychat chat do?",
        "What lets me chat in the terminal?|can I chat from the command line?"
        "|which command opens a chat in the terminal?|I prefer to chat in a terminal"
        "|How do I talk to the model in my terminal?|chatting on the command line, how?",
    ),
    Item(
        "list",
        "Run `polychat models`, or GET /v1/models.",
        HOW,
        "list the models|see the models|list models|see which models are loaded|get the model list"
        "|show the models"
        "|list all models|see all models|find the models|see the available models|get the names of the models"
        "|check which models are running|list the served models|see what models are there"
        "|list the available models",
        "which models are loaded?|what models are available?|which models are running?|what models are there?"
        "|where is the list of models?|which models are served?|what models do you have?|model list?"
        "|list models"
        "|which models are there?|models?|what models are running?|which command lists the models?",
        "What prints a list of the models?|which models are available?"
        "|how can I see what models are loaded?|How do I get a list of models?"
        "|what command shows the models?|Which models are being served?",
    ),
    Item(
        "status",
        "Run `polychat status`. It shows models, replicas and load.",
        HOW,
        "see the status|check the status|get the status|see the load|see what is running|monitor polychat"
        "|see the replicas|check the load|watch the load|see if it is running|check if polychat is running"
        "|see the health of the workers|monitor the workers|check the state of the server|see how busy it is",
        "what is the status?|is polychat running?|status?|what is running?|how busy is the server?"
        "|is everything up?"
        "|is there a status command?|which command shows the load?|how many replicas are there?"
        "|status command?"
        "|what does polychat status do?|are the workers alive?|polychat status",
        "Where do I see the status?|What shows me the load?|what command shows the replicas?"
        "|How do I check whether polychat is running?|which command shows the status?"
        "|How can I monitor the service?",
    ),
    Item(
        "download",
        "Run `polychat download USER/REPO`.",
        HOW,
        "download a model|get a model from the hub|download a model from hugging face|fetch a model"
        "|download weights"
        "|download models|download model weights|get a model from hugging face|pull a model|download llama"
        "|download a gguf file|download qwen|fetch weights from the hub|download a model first",
        "where can i download models?|where do i get models?|can it download models?"
        "|which command downloads a model?"
        "|does polychat download models?|how are models downloaded?|model download?|download command?"
        "|where do models come from?|can polychat fetch a model from hugging face?"
        "|is there a download command?",
        "What do I run so that a model gets downloaded?|name the command that downloads a model"
        "|I found a model on Hugging Face, how do I get it?|With what command are models downloaded?"
        "|How do I pull a model from the hub?|where can I download a model?",
    ),
    Item(
        "doctor",
        "Run `polychat doctor`. It checks this machine and says what to fix.",
        HOW,
        "fix a problem|fix an error|find out what is wrong|debug polychat|check my machine|diagnose a problem"
        "|troubleshoot|check my setup|solve a problem|find the problem|test my installation"
        "|check the installation"
        "|debug a problem|see what is wrong|repair polychat|fix it|diagnose polychat|troubleshoot polychat",
        "something is wrong|it does not work|it doesn't work|polychat does not start|i get an error"
        "|it crashed"
        "|there is an error|nothing works|why does it not work?|polychat crashed|it fails|help, it is broken"
        "|what if something goes wrong?|i have a problem|is there a self test?|polychat won't start"
        "|error on start"
        "|what does polychat doctor do?|the server does not start|troubleshooting?|it is not working"
        "|it hangs",
        "Something is wrong, what can I do?|polychat is not working|What tells me what is wrong?"
        "|how do I debug a problem with polychat?|I get an error when I start it"
        "|polychat acts strangely, what now?",
    ),
    Item(
        "curl",
        "POST to http://localhost:8000/v1/chat/completions.",
        HOW,
        "use curl|send a request with curl|call the api with curl|test the api with curl"
        "|make a request with curl"
        "|send a chat request|call the chat endpoint|use it from the command line with curl"
        "|send a post request"
        "|make an http request|call the api over http|send a raw http request|use the api with curl"
        "|query it with curl",
        "curl?|curl example?|what is the chat endpoint?|which endpoint is for chat?|which url do i post to?"
        "|what is the endpoint?|where do i send requests?|can i use curl?|chat completions endpoint?"
        "|which endpoint?"
        "|what is the url of the chat endpoint?|is there a curl example?|endpoint?|example with curl?",
        "What does a curl call look like?|To what URL do chat requests go?|can I call it with curl?"
        "|I want to send one request with curl|which endpoint do I POST to?"
        "|Give me the address for curl",
    ),
    Item(
        "controller",
        "The controller keeps the list of workers and tells it to every gateway.",
        WHAT,
        "a controller|the controller|controller|the polychat controller|controllers",
        "what does the controller do?|what is the controller for?|what does a controller do?"
        "|why is there a controller?"
        "|what is the role of the controller?|what is the job of the controller?|why do i need a controller?"
        "|how does the controller work?|what's the purpose of the controller?|controller?",
        "What would a controller be?|What is the controller's job?|what's the controller used for?"
        "|What does the controller do in polychat?|can you tell me what the controller does?"
        "|What is the purpose of a controller?",
    ),
    Item(
        "worker",
        "A worker runs an engine that loads a model and generates the answers.",
        WHAT,
        "a worker|the worker|worker|a polychat worker|workers|model worker",
        "what does a worker do?|what is a worker for?|what does the worker do?|why are there workers?"
        "|what is the role of a worker?|what is the job of a worker?|why do i need a worker?"
        "|how does a worker work?"
        "|what's the purpose of a worker?|worker?|what are workers?|what do workers do?",
        "What would a worker be?|What is a worker's job?|what's the worker used for?"
        "|What does a worker do in polychat?|can you tell me what a worker does?"
        "|What is the purpose of a worker?",
    ),
    Item(
        "gateway",
        "The gateway is the OpenAI compatible API. It checks the key and sends each request to a worker.",
        WHAT,
        "a gateway|the gateway|gateway|the polychat gateway|the api gateway|gateways",
        "what does the gateway do?|what is the gateway for?|what does a gateway do?|why is there a gateway?"
        "|what is the role of the gateway?|what is the job of the gateway?|why do i need a gateway?"
        "|how does the gateway work?|what's the purpose of the gateway?|gateway?|who routes the requests?"
        "|what sends a request to a worker?|how are requests routed?",
        "What would a gateway be?|What is the gateway's job?|what's the gateway used for?"
        "|What does the gateway do in polychat?|can you tell me what the gateway does?"
        "|What is the purpose of a gateway?",
    ),
    Item(
        "engine",
        "polychat runs GGUF models with llama.cpp.",
        "what is|what's|which is|tell me|name|tell me about|explain",
        "the engine|the inference engine|the engine of polychat|the backend|an engine|the engine it uses"
        "|the runtime",
        "which engine does polychat use?|what engine runs the model?|engines?|which engines are supported?"
        "|does it use llama.cpp?|what is the default engine?|is it based on llama.cpp?"
        "|which backend does it use?"
        "|what runs the model?|what runs gguf models?|does it use llama cpp?|which inference engine is used?"
        "|does polychat use llama.cpp?|engine?|what library runs the models?",
        "Which engine is inside polychat?|what engine runs GGUF models?|Does polychat run llama.cpp?"
        "|what is the engine behind polychat?|Which inference engine does it use?|is llama.cpp used?",
    ),
    Item(
        "what",
        "polychat turns one machine or many into one service for many models.",
        WHAT,
        "polychat|this platform|this software|this program|this project|this product|polychat good for"
        "|this service",
        "what does polychat do?|what is polychat for?|why should i use polychat?|what does this software do?"
        "|what can polychat do?|what is the purpose of polychat?|polychat?|tell me more about polychat"
        "|who needs polychat?"
        "|what is this?|what is this project about?|what can i do with polychat?"
        "|what's the point of polychat?"
        "|can you tell me something about polychat?|give me an overview of polychat|what is it for?"
        "|about polychat",
        "What is this polychat all about?|what does this program do?|can you tell me about polychat?"
        "|What exactly does polychat do?|what is polychat used for?|Describe polychat in one sentence",
    ),
    Item(
        "license",
        "polychat is open source under the Apache 2.0 license.",
        "what is|what's|tell me|which is|show me|where is",
        "the license|the license of polychat|the software license|the licence|polychat's license"
        "|the license terms",
        "is polychat free?|is it open source?|is polychat open source?|which license does it use?"
        "|can i use it commercially?|license?|under which license is polychat?|is it free software?"
        "|is polychat for free?"
        "|how much does polychat cost?|do i have to pay?|what does it cost?|may i use it at work?|is it free?"
        "|can my company use it?|what is polychat licensed under?|can i modify the code?"
        "|where is the source code?",
        "is this open source?|which license does polychat have?"
        "|Is polychat free to use?"
        "|how is polychat licensed?|Is it free for commercial use?",
    ),
    Item(
        "offline",
        "Yes. polychat works without a network. The built-in model is in the package.",
        "does it work|can it run|does polychat work|can polychat run|can i use it|can i use polychat"
        "|does this run"
        "|will it work|does it run|is it possible to run it",
        "offline|without internet|without a network|without the internet|with no internet"
        "|without a connection"
        "|without network access|on a plane|in an air gapped network",
        "does it need internet?|do i need internet?|is internet required?|does polychat need the internet?"
        "|does it send my data anywhere?|is my data private?|offline?|does it need a network?"
        "|is a network required?"
        "|is there an offline mode?|does it call home?|does my data leave my machine?|is it local?",
        "Will it still work when I am offline?|do I need an internet connection?"
        "|can polychat run without internet access?|Does polychat require a network?"
        "|Is polychat fine offline?|Is an internet connection needed?",
    ),
    Item(
        "gpu",
        "No. polychat runs on a CPU. A GPU makes larger models faster.",
        "do i need|does it need|does polychat need|must i have|is it necessary to have|does this require"
        "|do you need"
        "|does polychat require",
        "a gpu|a graphics card|nvidia|cuda|special hardware|an nvidia gpu|a video card|a strong gpu|gpus",
        "is a gpu required?|can it run on cpu?|does it run on a cpu?|can i run it without a gpu?|gpu?"
        "|cpu only?"
        "|does it work on cpu only?|is a gpu needed?|what hardware do i need?"
        "|can i run polychat without a gpu?"
        "|i have no gpu, does it work?|will it work without a graphics card?|is cuda required?"
        "|what about gpus?",
        "Must there be a GPU?|is a graphics card a must for polychat?|can it run on a CPU only?"
        "|Is a GPU necessary?|Will polychat run without a GPU?|does it need an Nvidia card?",
    ),
    Item(
        "fastchat",
        "polychat takes the place of FastChat, with the same ports and flags.",
        "what about|tell me about|compare it with|compare polychat with|how is it different from|what is"
        "|how does polychat compare to",
        "fastchat|FastChat|the old fastchat|fschat",
        "is it like fastchat?|does it replace fastchat?|is it a replacement for fastchat?"
        "|can i move from fastchat?"
        "|i used fastchat before|is polychat compatible with fastchat?|does it work like fastchat?|fastchat?"
        "|how do i migrate from fastchat?|what is the difference between polychat and fastchat?"
        "|is this fastchat?"
        "|do fastchat flags work?|do my fastchat scripts still work?|can polychat replace fastchat?"
        "|polychat or fastchat?",
        "Is polychat a replacement for FastChat?|how does it relate to FastChat?"
        "|Can I switch from FastChat to polychat?"
        "|does polychat work with FastChat commands?|What is the difference to FastChat?"
        "|I come from FastChat, what now?",
    ),
    Item(
        "good",
        "I am only a tiny demo model. For real work use a larger one with `polychat up MODEL`.",
        "is|do you think|would you say",
        "this model any good|this model good|this a good model|this model smart|this model useful"
        "|this model accurate"
        "|this model reliable|this model good for real work|this model ready for production"
        "|the built-in model good",
        "are you any good?|are you smart?|are you a good model?|can i trust you?|can i trust your answers?"
        "|are you reliable?|are you intelligent?|why are your answers bad?|why are you so dumb?"
        "|how good are you?"
        "|are your answers correct?|are you as good as gpt?|you are stupid|your answer is wrong|that is wrong"
        "|can i use you in production?|can i use this model for real work?|how big is this model?"
        "|you are useless"
        "|how large are you?|are you useful?|that makes no sense|how many parameters do you have?"
        "|is the demo model good?"
        "|why is this model so bad?|should i use this model?|you are not very smart",
        "Is the model that comes with it any good?|Is this model good for production?"
        "|are you a smart model?|how good is this model?|can I trust what you say?"
        "|Would you use this model for real work?",
    ),
)

ALL_ITEMS: tuple[Item, ...] = (*ITEMS, *ACCESS, *CONCEPTS)
