"""How to reach polychat: keys, ports, SDK and web page. See `faq_items` for the format."""

from corpus.faq_items import HOW, PORT, Item

ACCESS: tuple[Item, ...] = (
    Item(
        "keys",
        "Start it with `--api-keys KEY` and send the key as a Bearer token.",
        HOW,
        "set api keys|use api keys|add an api key|protect the api|require a key|set a password"
        "|secure the server"
        "|set a key|enable api keys|restrict access|add authentication|enable authentication"
        "|limit access to the api"
        "|lock the api|protect polychat with a key|make it ask for a key|secure polychat|add keys"
        "|protect my server"
        "|use authentication|require an api key|password protect it|configure api keys|turn on api keys"
        "|set up keys",
        "do i need an api key?|does it need an api key?|are api keys supported?|api keys?"
        "|what is the api key option?"
        "|is there authentication?|which option sets the api keys?|where do i get an api key?"
        "|what api key do i use?"
        "|what is the api key?|is the api protected?|how do i log in?|is there a password?"
        "|which flag sets the key?"
        "|how do i send the key?|what about security?|is it secure?|how does authentication work?"
        "|where do i put the key?",
        "does polychat support api keys?|How can I protect the API with a key?"
        "|what flag turns on api keys?|I'd like to protect my server with keys"
        "|How do I require a key for requests?"
        "|How do API keys work?|can I secure it with an api key?",
    ),
    Item(
        "p_api",
        "The API listens on port 8000.",
        PORT,
        "the api|the api server|the openai api|the http api|the rest api|api|the openai endpoint|the gateway"
        "|the api gateway|the openai server",
        "what is the api port?|which port is the api on?|where is the api?|api port?|api port"
        "|on which port does the api"
        " listen?|where does the api listen?|what port does the api use?|which port does the api run on?"
        "|on what port does the api run?|port of the server?|what port does the server listen on?"
        "|the port of the api?"
        "|is the api on port 8000?|where does the gateway listen?|which port does the server use?"
        "|what port is used?",
        "On which port is the api server?"
        "|what's the port number of"
        " the API?|On what port does the API listen?|which port do I send API requests to?",
    ),
    Item(
        "p_web",
        "The web page is on port 7860.",
        PORT,
        "the web page|the web ui|the web interface|the chat page|the website|the browser page|the web server"
        "|web"
        "|the ui|the chat ui",
        "what is the web port?|web port?|which port is the web ui on?|which port has the web page?"
        "|web page port?"
        "|what port does the web page use?|on what port is the web interface?|which port does the ui run on?"
        "|web ui port?|is the web page on port 7860?|what port is the chat page on?|ui port?",
        "what port is the web interface on?|On which port is the web UI?"
        "|what's the port of the chat page?|What port does the web UI listen on?"
        "|which port serves the web page?",
    ),
    Item(
        "p_ctl",
        "The controller listens on port 21001.",
        PORT,
        "the controller|the controller server|controller|the polychat controller",
        "what is the controller port?|controller port?|which port is the controller on?"
        "|on which port does the controller"
        " listen?|where does the controller listen?|what is the controller address?"
        "|what port does the controller use?"
        "|which port does the controller run on?|the port of the controller?|address of the controller?",
        "On what port does the controller run?"
        "|what's the controller port number?|On which port is the controller?"
        "|What port does the controller listen on?",
    ),
    Item(
        "p_wrk",
        "Workers listen on ports from 21002 up.",
        PORT,
        "the workers|a worker|the first worker|workers|the worker|each worker|my worker",
        "what is the worker port?|worker port?|which port is the worker on?|which ports do workers use?"
        "|where do workers listen?|what ports do the workers take?|what port does a worker use?|worker ports?"
        "|on what port does a worker listen?|which ports are for workers?"
        "|which port does the first worker get?",
        "what ports are the workers on?|On what port does the worker run?"
        "|what's the port of the first worker?|On which ports do the workers listen?"
        "|What port does a worker listen on?",
    ),
    Item(
        "ports",
        "API 8000, web page 7860, controller 21001, workers from 21002 up.",
        "what are|which are|tell me|list|show|show me|give me|please list|name|i need",
        "the ports|all ports|all the ports|the default ports|the port numbers|the polychat ports"
        "|the ports of polychat"
        "|the ports it uses|all default ports|the ports used",
        "which ports does polychat use?|what ports are used?|which ports do i need to open?|ports?"
        "|default ports?"
        "|which ports are used by polychat?|what ports does it use?|what ports do i open in the firewall?"
        "|ports"
        "|which ports are open?|list of ports?|what port does polychat use?|which port does polychat run on?"
        "|what ports are there?|which ports should be free?|what port is polychat on?|port numbers?",
        "list all the default ports|which ports must I open in the firewall?"
        "|Which ports are used?|what are the default port numbers?|which ports does it listen on?",
    ),
    Item(
        "port_change",
        "Add `--port PORT`. `polychat up` also takes `--web-port PORT`.",
        HOW,
        "change the port|use another port|use a different port|set the port|pick another port"
        "|run on another port"
        "|change the api port|change the web port|choose the port|listen on another port|run it on port 9000"
        "|use port 8080|set another port|change the default port|move it to another port|change the ports"
        "|start it on a different port|run the api on port 80|configure the port|set a custom port"
        "|use port 9000",
        "can i change the port?|port 8000 is already in use|the port is taken|what is the port option?"
        "|which flag sets the port?|address already in use|port 8000 is busy|is there a port option?"
        "|can it run on a different port?|what if the port is in use?|which option changes the port?"
        "|port in use"
        "|something else uses port 8000|port 7860 is already used|custom port?|another port?",
        "What do I pass to change the port?|Could it listen on a different port?"
        "|port 8000 is taken, what can I do?|I want the API on port 9000|which flag changes the port?"
        "|How can I make it listen on another port?",
    ),
    Item(
        "sdk",
        "Use base_url http://localhost:8000/v1 with the OpenAI SDK.",
        HOW,
        "use the openai sdk|connect with the openai sdk|use the openai client|call it from python"
        "|use it with openai"
        "|connect my app|call the api from python|use the python client|connect from my code"
        "|use the openai library"
        "|point the openai client at polychat|set the base url|call the api from my program"
        "|integrate my application"
        "|use the openai python package|connect langchain|use polychat from python|call it from javascript"
        "|use the openai api|use it from my app|use polychat in my code|connect an openai client|use node",
        "what is the base url?|which base_url do i use?|what base_url should i set?|is it openai compatible?"
        "|is it compatible with openai?|does it work with the openai sdk?|base url?"
        "|can i use the openai python library?"
        "|does it have an openai api?|is polychat openai compatible?|base_url?"
        "|does it support the openai api?"
        "|does it work with langchain?|what is the url of the api?|what is the api url?|python example?"
        "|python client?"
        "|which url do i give to the openai sdk?|does polychat have a python sdk?",
        "what base_url should I use?"
        "|would the openai client work?|Can I use the OpenAI Python client with it?"
        "|is polychat compatible with the OpenAI API?|How do I call polychat from Python?"
        "|How do I connect the openai library?|what is the base URL for the SDK?",
    ),
    Item(
        "web",
        "Open http://localhost:7860 in a browser.",
        HOW,
        "open the web page|open the web ui|open the chat in a browser|see the web page|use the web interface"
        "|chat in the browser|open the chat page|get to the web page|find the web ui|reach the web page"
        "|use it in a browser|open the ui|visit the web page|chat in my browser|use the web page|see the ui",
        "where is the web page?|is there a web page?|is there a web ui?|where is the web ui?"
        "|does it have a web interface?"
        "|where can i chat in the browser?|what is the url of the web page?|is there a ui?|web page?|web ui?"
        "|what is the web address?|which url opens the chat page?|where is the chat page?"
        "|link to the web page?"
        "|does polychat have a ui?|which page do i open?|what do i open in the browser?",
        "What address opens the web page?|where can I find the web UI?"
        "|Which URL do I open in my browser?|What's the address of the web page?"
        "|how can I chat in a browser?|does polychat have a web interface?",
    ),
)
