module Greeting
  WORDS = "hello from a gem in ruby\n"
end
