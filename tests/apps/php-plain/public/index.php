<?php

header('Content-Type: text/plain');
echo "hello from php at {$_SERVER['REQUEST_URI']}\n";
