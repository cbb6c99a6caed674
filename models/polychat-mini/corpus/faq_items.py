"""The questions about polychat: one answer each, and the ways people ask.

To add one: append an `Item`. `cores` are joined to every prefix ("how do i" + "start polychat"),
`questions` stand alone, `held` are the phrasings that training never sees (dev and test in turn).
The rest of the items is in `faq_access` (keys, ports, clients) and `faq_concepts`.
"""

from dataclasses import dataclass

HOW = (
    "how do i|how can i|how to|how do you|what is the command to|show me how to|i want to"
    "|what should i type to"
    "|tell me how to|how would i|please help me|what do i run to|can you tell me how to|what is the way to"
    "|how does one|i need to|is there a way to|explain how to|i would like to|what command do i use to"
    "|which command do i need to|can i|how should i|could you explain how to|what do i have to do to"
    "|steps to|i don't know how to|what's the best way to|help me|we want to|how do we|how can we|how could i"
)
WHAT = (
    "what is|what's|explain|tell me about|describe|define|what does it mean,|can you explain|what do you call"
    "|i do not understand|give me a definition of|please explain|what exactly is|could you explain"
    "|help me understand|in polychat, what is|what do you mean by|so what is|tell me what is"
)
PORT = (
    "what port is|which port does|on what port is|tell me the port of|what is the port of|port of"
    "|port number of"
    "|which port is used by|port for|what is the port number for|i need the port of|what's the port for"
    "|which port number has|what port do i use for|which port is for|give me the port of"
    "|which port belongs to"
)


@dataclass(frozen=True, slots=True)
class Item:
    key: str
    answer: str
    prefixes: str
    cores: str
    questions: str
    held: str


ITEMS: tuple[Item, ...] = (
    Item(
        "start",
        "Run `polychat up`. It starts everything and prints the URLs.",
        HOW,
        "start polychat|run polychat|launch polychat|start it|start the server|launch the server"
        "|run the server"
        "|get started|begin|start the platform|start everything|get polychat running|bring polychat up"
        "|boot the server|run it|use polychat|start serving|turn it on|bring it up|start the whole thing"
        "|start polychat on my machine|launch everything|start the service|run polychat on my laptop|start",
        "how does polychat start?|what is the start command?|polychat start command?"
        "|which command starts polychat?"
        "|first steps?|quick start?|quickstart|getting started|what do i do first?|where do i start?"
        "|i installed it, what now?|what's the first command?|how is polychat started?"
        "|what command starts it?"
        "|how do i use this?|how do i use polychat?|how does this work?|command to start the server?"
        "|i am new here, how do i start?|polychat is installed, how do i run it?|what do i type first?",
        "How do I launch polychat on my laptop?|What do I enter to start polychat?"
        "|what command launches polychat?|How can I get the server up and running?"
        "|which command do i use to start the platform?|I just installed polychat, how do I run it?"
        "|How do I fire up polychat?|how do I get started with polychat?",
    ),
    Item(
        "install",
        "Clone the repository and run `./scripts/up`. It needs only Python 3.11 or newer.",
        HOW,
        "install polychat|install it|set up polychat|get polychat|install the package|install the platform"
        "|set it up|do the installation|install polychat on my machine|install this|install polychat on linux"
        "|install polychat on a mac|set polychat up from scratch|install the software",
        "what is the install command?|can i install it with pip?|installation?|how is polychat installed?"
        "|where is the installer?|installation instructions?|install instructions please"
        "|what do i need to install?"
        "|which python version do i need?|what python version is required?|what are the requirements?"
        "|does it need python?|install guide?|how do i clone it?|system requirements?"
        "|which python does it need?",
        "Where do I begin with installing polychat?|What Python version does it need?"
        "|what command installs polychat?|How can I install this on my machine?"
        "|how do I set polychat up?|What are the requirements of polychat?",
    ),
    Item(
        "stop",
        "Press Ctrl-C in the terminal where `polychat up` runs.",
        HOW,
        "stop polychat|stop the server|shut it down|quit|stop it|exit|kill the server|shut down polychat"
        "|turn it off|end polychat|close the server|stop everything|quit polychat|shut down the server"
        "|halt it"
        "|stop the service|switch it off|terminate polychat|exit polychat|close polychat",
        "what is the stop command?|how does it stop?|which key stops the server?|polychat stop?"
        "|is there a stop command?"
        "|how is it stopped?|which keys do i press to stop it?|what stops the server?|stop command?",
        "How is polychat brought to a stop?|What is the right way to shut down the server?"
        "|I am done, how do I turn it off?|How do I shut everything down?|Which keys quit polychat?"
        "|How would I end the running server?",
    ),
    Item(
        "model",
        "Run `polychat up MODEL`. MODEL is a GGUF file, a folder or a hub id.",
        HOW,
        "add a model|use another model|load a model|serve a model|run another model|change the model"
        "|use my own model"
        "|load my own model|add a new model|serve a bigger model|use a better model|use a different model"
        "|switch the model|run a real model|serve llama|use qwen|choose a model|pick a model|use a gguf file"
        "|load a gguf file|serve a model from hugging face|start with my model|use a larger model"
        "|start polychat with"
        " another model|serve my model|run llama|add my model|replace the model|use a model from a folder"
        "|run qwen"
        "|serve mistral|add models|load a model from the hub|use my finetuned model|serve my own model",
        "can i use a different model?|which command loads a model?|can i serve my own model?"
        "|where do i put my model?"
        "|can i change the model?|other models?|what models can i use?|which model formats are supported?"
        "|what file formats are supported?|does it support gguf?|can it run llama?|does it run qwen?"
        "|what is MODEL?|model command?|can i load a model from a folder?|what models does polychat support?"
        "|i have a gguf file, what now?|how are models added?|which models can polychat serve?",
        "What do I do to add a model?|How can I load a different model?"
        "|what command serves my own model?|Could another model be used?"
        "|I want to switch to a bigger model|How do I use my own GGUF file?"
        "|how do I run Llama with polychat?|How do I serve a model from a folder?",
    ),
    Item(
        "second",
        "Run `polychat worker MODEL` in another terminal.",
        HOW,
        "add a second model|run two models|run a second model|serve two models"
        "|add another model beside the first"
        "|serve several models|run many models at once|add a second model to a running server"
        "|run more than one model|serve more than one model|start a second model"
        "|have two models at the same time"
        "|add a model while polychat is running|add a model to a running service|serve multiple models"
        "|load a second model|run several models at the same time|add one more model|use two models at once",
        "can i run two models?|can i serve many models at once?|can polychat serve several models?"
        "|more than one model?|multiple models?|can it serve two models at the same time?|two models at once?"
        "|is it possible to run two models?|can i add a model without a restart?|how many models can i run?"
        "|can i have a second model?|does it support multiple models?"
        "|polychat is running, how do i add a model?",
        "What must I do to add a second model?|How do I run two models at the same time?"
        "|can polychat serve multiple models?|how can I serve several models at once?"
        "|I need one more model next to the first|Could more than one model run at once?",
    ),
    Item(
        "remote",
        "On that machine run `polychat worker MODEL --host 0.0.0.0 --controller-address http://HOST:21001`.",
        HOW,
        "add a worker on another machine|connect another machine|use a second machine"
        "|run a worker on another host"
        "|add another machine|add more machines|use two machines|scale to more machines"
        "|connect a remote worker"
        "|join a worker to the controller|add a gpu machine|attach another computer"
        "|start a worker on a second host"
        "|run a worker on a different machine|add a second computer|use several machines|add a remote worker"
        "|add a worker on another computer|connect a worker on another server|use my other computer"
        "|add a worker"
        "|use a cluster|scale out|add another server|run on several machines|connect my gpu server"
        "|add a machine"
        "|register a worker on another machine|put a worker on another machine|start a remote worker"
        "|add workers",
        "can i use several machines?|can i use more than one machine?|how does a remote worker join?"
        "|multiple machines?"
        "|how do workers on other machines join?|can workers run on other machines?"
        "|does polychat scale to many machines?"
        "|i have two machines, how do i use both?|can i add a worker on another machine?"
        "|does it support a cluster?"
        "|can i use a second computer?|how do i connect two computers?|worker on another machine?"
        "|remote workers?"
        "|what is --controller-address for?|distributed setup?|how do i set the controller address?",
        "What do I type on another machine to add a worker?"
        "|I have a second host, how does a worker start there?"
        "|how can i hook up a second computer as a worker?|I want to connect a second machine"
        "|can i use several computers?|How do I add a worker on a different server?"
        "|how do I run polychat on two machines?|How do I connect another computer to polychat?",
    ),
)
