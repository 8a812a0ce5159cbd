from conformance.commandes import main

main()
